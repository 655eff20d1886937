import type { Kind } from '../../format/packages/kinds.ts';
import type { KindIndex, Listed } from '../database/kind-index.ts';
import type { DatabaseReader } from '../database/reader.ts';
import type { UpstreamLocation } from './location.ts';

/** Where packages come from: an index of names and versions, and a description of each package, all of it checked. */
export interface Upstream {
  /** What the addresses of files are relative to. */
  readonly location: UpstreamLocation;
  /** The upstream's name for its present state. */
  readonly version: string;
  /** Where packages come from, for `manifest.json`: an address, `homebrew`, or `directory` for a local folder. */
  readonly name: string;
  /** Opens the index of a kind. Throws `not-found` where the upstream has none. */
  index(kind: Kind): Promise<KindIndex>;
  /** Returns the description of a package, parsed by its kind, once it has the listed hash. Throws `mismatch` or `bad-input`. */
  describe(kind: Kind, listed: Listed): Promise<unknown>;
  /** Opens the vulnerability database, in stout-index's schema. Throws `not-found` where the upstream has none. */
  vulnerabilities(): Promise<DatabaseReader>;
  /** Removes local copies. */
  close(): Promise<void>;
}

/** Names Homebrew as an upstream, on the command line and in `manifest.json`. */
export const HOMEBREW = 'homebrew';

/** Replaces the path of a local folder in `manifest.json`: elsewhere it means nothing, and it is nobody's business. */
const FOLDER = 'directory';

/** Returns how `manifest.json` names a place. */
export const placeName = ({ base }: UpstreamLocation): string =>
  base.protocol === 'file:' ? FOLDER : base.href;

/** True for the name of a place that has to be given again. */
export const isUnnamedFolder = (name: string | undefined): boolean => name === FOLDER;
