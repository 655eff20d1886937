import { arch, platform, release } from 'node:os';
import { MirrorError } from '../../format/errors.ts';
import { parseTag, TAGS_IN_USE, tagOf } from '../../format/tags.ts';

/** Darwin's major version is macOS' plus nine up to 15, and minus one from 26 on. */
const DARWIN_RELEASES: Record<string, string> = {
  20: 'big_sur',
  21: 'monterey',
  22: 'ventura',
  23: 'sonoma',
  24: 'sequoia',
  25: 'tahoe',
  26: 'golden_gate',
};

/** The options that choose platforms, as the command line has them. */
export interface PlatformFlags {
  arch: readonly string[];
  os: readonly string[];
  platforms: readonly string[];
  allPlatforms?: boolean;
}

/** Returns the tags that the flags mean, sorted; none when they name no platform. Throws `usage`. */
export function chosenTags(flags: PlatformFlags): string[] {
  try {
    return tagsOf(flags);
  } catch (error) {
    if (!(error instanceof MirrorError)) throw error;
    throw new MirrorError('usage', error.message, { expected: error.expected, found: error.found });
  }
}

function tagsOf(flags: PlatformFlags): string[] {
  const tags = [...flags.platforms.map(parseTag), ...(flags.allPlatforms ? TAGS_IN_USE : [])];
  if (flags.arch.length > 0 || flags.os.length > 0) {
    const architectures = flags.arch.length > 0 ? flags.arch : [arch()];
    const systems = flags.os.length > 0 ? flags.os : [hostSystem()];
    tags.push(...architectures.flatMap((one) => systems.map((system) => tagOf(one, system))));
  }
  return [...new Set(tags)].sort();
}

/** Returns the tag of this machine. */
export const hostTag = (): string => tagOf(arch(), hostSystem());

function hostSystem(): string {
  if (platform() !== 'darwin') return 'linux';
  return DARWIN_RELEASES[release().split('.')[0] ?? ''] ?? 'tahoe';
}
