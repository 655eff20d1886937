import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { type ByKind, KINDS, type Kind } from '../../format/packages/kinds.ts';

/** The parts of a request that choose packages. The others are settings. */
export type PackageLists = Pick<MirrorRequest, Kind['request']>;
/** What a run adds to a request by itself. */
type Records = 'withdrawn' | 'places';
export type Settings = Omit<MirrorRequest, keyof PackageLists | Records | 'all'>;

/** What a run says of a mirror. A setting of which it says nothing is absent or `undefined`. */
export type SaidRequest = PackageLists &
  Pick<MirrorRequest, 'all' | 'places'> & { [Name in keyof Settings]?: Settings[Name] | undefined };

/** What one run is asked for, by the command line and the files that it names. */
export interface Asked {
  request: SaidRequest;
  /** The names that somebody wrote down, by kind: the upstream must have them. */
  named: ByKind<readonly string[]>;
  /** True to add to the packages that the mirror was asked for before; false to replace them. */
  extend: boolean;
  /** True when a mirror.toml says everything: a setting that it leaves out has its default, not what the mirror had. */
  complete?: boolean;
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
export const namesPackages = ({ request }: { request: PackageLists & Pick<SaidRequest, 'all'> }): boolean =>
  request.all || KINDS.some((kind) => request[kind.request].length > 0);

/**
 * Throws `usage` when no packages were asked for and the mirror has no list of them to continue. `where` is that mirror.
 */
export function expectPackages(
  asked: Pick<Asked, 'request' | 'extend'>,
  before: unknown,
  where: string,
): void {
  if (namesPackages(asked) || (asked.extend && before)) return;
  const hint = asked.extend ? ` ${where} has no signed list of packages to go on from.` : '';
  throw new MirrorError('usage', `Name at least one package, or a cask with --cask.${hint}`, {
    where: asked.extend ? where : undefined,
  });
}
