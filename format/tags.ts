import { MirrorError } from './errors.ts';

/** macOS releases, oldest first, by the code names that bottle tags use. */
export const MACOS_RELEASES = [
  'el_capitan',
  'sierra',
  'high_sierra',
  'mojave',
  'catalina',
  'big_sur',
  'monterey',
  'ventura',
  'sonoma',
  'sequoia',
  'tahoe',
  'golden_gate',
] as const;

const ARCHITECTURES: ReadonlyMap<string, 'arm64' | 'x86_64'> = new Map([
  ['arm64', 'arm64'],
  ['aarch64', 'arm64'],
  ['x86_64', 'x86_64'],
  ['x64', 'x86_64'],
  ['amd64', 'x86_64'],
  ['intel', 'x86_64'],
]);

/** The oldest macOS that stout still supports. */
const OLDEST_IN_USE = MACOS_RELEASES.indexOf('monterey');

/** The tags of all machines that clients run on today, sorted. */
export const TAGS_IN_USE: readonly string[] = [
  'arm64_linux',
  'x86_64_linux',
  ...MACOS_RELEASES.slice(OLDEST_IN_USE).flatMap((release) => [release, `arm64_${release}`]),
].sort();

/** The tag of a bottle that runs everywhere. */
export const ALL = 'all';

/**
 * Returns Homebrew's spelling of a platform tag: `sonoma` for stout's `x86_64_sonoma`, `arm64_linux` for
 * `aarch64_linux`. Throws `bad-input`.
 */
export function parseTag(text: string): string {
  if (text === ALL) return ALL;
  const match = /^(?:(arm64|aarch64|x86_64|amd64)_)?([a-z_]+)$/.exec(text);
  if (!match?.[2]) throw badTag(text);
  return tagOf(match[1] ?? 'x86_64', match[2]);
}

/** Returns the tag of an architecture and an operating system (`linux` or a macOS code name). Throws `bad-input`. */
export function tagOf(arch: string, os: string): string {
  const architecture = ARCHITECTURES.get(arch);
  const release = MACOS_RELEASES.find((name) => name === os);
  if (!architecture || (!release && os !== 'linux')) throw badTag(`${architecture ?? arch}_${os}`);
  if (!release) return `${architecture}_linux`;
  return architecture === 'arm64' ? `arm64_${release}` : release;
}

/** Returns the tags whose bottles run on `tag`, best first: itself, older macOS of the same architecture, then `all`. */
export function compatibleTags(tag: string): string[] {
  const release = (MACOS_RELEASES as readonly string[]).indexOf(tag.replace(/^arm64_/, ''));
  if (release < 0) return tag === ALL ? [ALL] : [tag, ALL];
  const prefix = tag.startsWith('arm64_') ? 'arm64_' : '';
  const older = MACOS_RELEASES.slice(0, release + 1).reverse();
  return [...older.map((name) => prefix + name), ALL];
}

/** Returns which of the bottles on offer serves a tag: its own, an older macOS', or the one for all. */
export const bottleTagFor = (tag: string, offered: ReadonlySet<string>): string | undefined =>
  compatibleTags(tag).find((candidate) => offered.has(candidate));

/** Returns the spellings by which clients ask for a tag: stout asks for Intel macOS as `x86_64_<release>`. */
export function clientTags(tag: string): string[] {
  return MACOS_RELEASES.some((name) => name === tag) ? [tag, `x86_64_${tag}`] : [tag];
}

const badTag = (found: string): MirrorError =>
  new MirrorError('bad-input', `${JSON.stringify(found)} is not a platform that bottles are made for.`, {
    expected: 'arm64_<macOS release>, <macOS release>, arm64_linux, x86_64_linux or all',
    found,
  });
