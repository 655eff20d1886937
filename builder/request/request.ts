import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { type ByKind, KINDS } from '../../format/packages/kinds.ts';
import { hostTag } from './platforms.ts';

/** What one run is asked for, by the command line and the files that it names. */
export interface Asked {
  /** As a mirror records it, except that `tags` and `clients` are empty where nothing was said. */
  request: MirrorRequest;
  /** The names that somebody wrote down, by kind: the upstream must have them. */
  named: ByKind<readonly string[]>;
  /** True to add to what the mirror was asked for before; false to replace that. */
  extend: boolean;
  /** Which packages get the newest version that the upstream has: all, or those named and what they need. */
  newest: 'all' | 'named';
  /** Whose files are fetched even if they are here. */
  force: 'all' | 'named' | 'none';
  /** Where packages come from, as on the command line; absent for where they came from before. */
  origin: Origin;
}

/** Options that say where packages come from. */
export interface Origin {
  upstream?: string;
  homebrew?: string;
  /** PEM. */
  homebrewKey?: string;
}

/** True when packages were asked for, or all of them. */
export const namesPackages = ({ request }: Pick<Asked, 'request'>): boolean =>
  request.all || KINDS.some((kind) => request[kind.request].length > 0);

/**
 * Throws `usage` when no packages were asked for and the mirror has no list of them to continue. `where` is that mirror.
 */
export function expectPackages(asked: Asked, before: unknown, where: string): void {
  if (namesPackages(asked) || (asked.extend && before)) return;
  const hint = asked.extend ? ` ${where} has no signed list of packages to go on from.` : '';
  throw new MirrorError('usage', `Name at least one package, or a cask with --cask.${hint}`, {
    where: asked.extend ? where : undefined,
  });
}

/**
 * Returns the request that a run carries out: what is asked for, or that in addition to what the mirror was asked for
 * before. Without platforms it is for this machine. Throws `usage`.
 */
export function mergeRequest({ request, extend }: Asked, before: MirrorRequest | undefined): MirrorRequest {
  if (!extend || !before) {
    const tags = request.tags.length > 0 ? request.tags : [hostTag()];
    const { withdrawn } = before ?? {};
    return withSortedLists({ ...request, tags, ...(withdrawn ? { withdrawn } : {}) });
  }
  if (!request.dependencies || !request.dev_dependencies) {
    throw new MirrorError(
      'usage',
      'Leaving out dependencies concerns the whole mirror: name all its packages, without --update or --force.',
    );
  }
  return withSortedLists({
    ...before,
    ...Object.fromEntries(LISTS.map((key) => [key, [...before[key], ...request[key]]])),
    ...Object.fromEntries(SWITCHES.map((key) => [key, before[key] || request[key]])),
    public_url: request.public_url ?? before.public_url,
    ...(request.valid_for === undefined ? {} : { valid_for: request.valid_for }),
  });
}

const LISTS = [...KINDS.map((kind) => kind.request), 'tags', 'clients', 'portable_ruby'] as const;
const SWITCHES = ['vulnerabilities', 'all', 'full_index', 'unchecked'] as const;

/** stout is always a client, because it reads the mirror's own index. */
function withSortedLists(request: MirrorRequest): MirrorRequest {
  const all: MirrorRequest = { ...request, clients: [...request.clients, 'stout'] };
  if (all.portable_ruby.length > 0 && !all.clients.includes('brew')) {
    throw new MirrorError('usage', '--portable-ruby is for brew: give --clients brew as well.');
  }
  return { ...all, ...Object.fromEntries(LISTS.map((key) => [key, [...new Set<string>(all[key])].sort()])) };
}
