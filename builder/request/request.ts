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
    public_url: wanted.publicUrl ?? before.public_url,
  };
}

const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort();
