import type { MirrorRequest } from '../../format/manifest.ts';
import type { MirrorFile } from '../mirror-file/read.ts';
import type { PlatformFlags } from './platforms.ts';
import type { Origin } from './request.ts';

/** The options that say what a mirror contains and where it comes from, as the command line has them. */
export interface RequestFlags extends PlatformFlags, Origin {
  /** The names given for each kind that has an option, by that option. */
  [option: string]: unknown;
  /** The mirror.toml that says what the command line does not. */
  mirrorFile?: MirrorFile | undefined;
  fromBrewfile: string[];
  packagesFile: string[];
  allInstalled?: boolean;
  withVulns?: boolean;
  fullIndex?: boolean;
  allowUnchecked?: boolean;
  onDemand?: boolean;
  whole?: string[];
  /** A file. */
  homebrewKey?: string;
  clients: MirrorRequest['clients'];
  /** False for none. */
  portableRuby: string[] | false;
  /** False for none. */
  publicUrl?: string | false;
  /** Seconds. */
  validFor?: number;
  keepSnapshots?: number;
  all?: boolean;
  deps?: boolean;
  devDeps?: boolean;
}

/** The flags of a command line that names nothing. */
export const NO_FLAGS: RequestFlags = {
  ...{ arch: [], os: [], platforms: [], fromBrewfile: [], packagesFile: [], clients: [], portableRuby: [] },
};
