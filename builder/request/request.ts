import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { hostTag } from '../plan/platforms.ts';

/** What the command line asks for. */
export interface Wanted {
  packages: string[];
  casks: string[];
  linuxApps: string[];
  /** Empty when no platform was named. */
  tags: string[];
  dependencies: boolean;
  devDependencies: boolean;
  vulnerabilities: boolean;
  all: boolean;
  fullIndex: boolean;
  unchecked: boolean;
  /** Empty when none was named. */
  clients: MirrorRequest['clients'];
  publicUrl: string | undefined;
}

/** True when packages were named, or all are wanted. */
export const namesPackages = ({ packages, casks, linuxApps, all }: Wanted): boolean =>
  all || packages.length + casks.length + linuxApps.length > 0;

/** A request for exactly what is wanted; for this machine when no platform was named. */
export const exactRequest = (wanted: Wanted): MirrorRequest => ({
  packages: sorted(wanted.packages),
  casks: sorted(wanted.casks),
  linux_apps: sorted(wanted.linuxApps),
  tags: wanted.tags.length > 0 ? sorted(wanted.tags) : [hostTag()],
  dependencies: wanted.dependencies,
  dev_dependencies: wanted.devDependencies,
  vulnerabilities: wanted.vulnerabilities,
  all: wanted.all,
  full_index: wanted.fullIndex,
  unchecked: wanted.unchecked,
  clients: clientsOf(wanted.clients),
  public_url: wanted.publicUrl ?? null,
});

/** What a mirror was asked for before, and what is wanted besides. Throws `usage`. */
export function extendedRequest(before: MirrorRequest, wanted: Wanted): MirrorRequest {
  if (!wanted.dependencies || !wanted.devDependencies) {
    throw new MirrorError(
      'usage',
      'Leaving out dependencies concerns the whole mirror: name all its packages, without --update or --force.',
    );
  }
  return {
    ...before,
    packages: sorted([...before.packages, ...wanted.packages]),
    casks: sorted([...before.casks, ...wanted.casks]),
    linux_apps: sorted([...before.linux_apps, ...wanted.linuxApps]),
    tags: sorted([...before.tags, ...wanted.tags]),
    vulnerabilities: before.vulnerabilities || wanted.vulnerabilities,
    all: before.all || wanted.all,
    full_index: before.full_index || wanted.fullIndex,
    unchecked: before.unchecked || wanted.unchecked,
    clients: clientsOf([...before.clients, ...wanted.clients]),
    public_url: wanted.publicUrl ?? before.public_url,
  };
}

/** stout is always among them: what it reads is the mirror's own index. */
const clientsOf = (named: MirrorRequest['clients']): MirrorRequest['clients'] =>
  [...new Set([...named, 'stout'] as const)].sort();

const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort();
