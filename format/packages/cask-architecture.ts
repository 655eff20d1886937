/** The architectures that casks tell apart, the preferred one first. */
export const ARCHITECTURES = ['arm64', 'intel'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const LABELS: Readonly<Record<Architecture, string>> = { arm64: 'Apple silicon', intel: 'Intel' };

/** A download as a cask describes it. */
export interface CaskDownload {
  url: string | null;
  sha256: string | null;
}

/** A cask's download, and others in place of it by architecture. */
export interface CaskDownloads extends CaskDownload {
  url_specs?: Partial<Record<Architecture, CaskDownload>> | null | undefined;
}

/** The download that a mirror has of a cask. */
export interface ChosenDownload {
  /** The architecture that it is for; '' if it serves all. */
  slot: Architecture | '';
  /** Absent if there is none for the platforms of the mirror. */
  download: CaskDownload | undefined;
  /** Architectures of these platforms that it does not serve. */
  without: Architecture[];
}

/**
 * Chooses the one download of a cask that a mirror has. stout takes an address by architecture, but compares every file with
 * the checksum of the cask itself: of two different files it could install only one.
 */
export function chooseDownload(cask: CaskDownloads, tags: readonly string[]): ChosenDownload {
  if (Object.keys(cask.url_specs ?? {}).length === 0) return { slot: '', download: cask, without: [] };
  const wanted = architecturesOf(tags);
  const slot = wanted.find((arch) => downloadFor(cask, arch)) ?? '';
  const download = slot && downloadFor(cask, slot);
  if (!download) return { slot: '', download: undefined, without: wanted };
  const served = wanted.filter((arch) => isSame(downloadFor(cask, arch), download));
  const without = wanted.filter((arch) => !served.includes(arch));
  return { slot: served.length === ARCHITECTURES.length ? '' : slot, download, without };
}

/** Returns the download in a slot, as {@link chooseDownload} chose it. */
export const downloadIn = (cask: CaskDownloads, slot: string): CaskDownload =>
  downloadFor(cask, slot === 'intel' ? 'intel' : 'arm64') ?? cask;

/** Returns the architectures of a mirror's Macs; without Macs, of its Linux machines. */
export function architecturesOf(tags: readonly string[]): Architecture[] {
  const platforms = tags.filter((tag) => tag !== 'all');
  const macs = platforms.filter((tag) => !tag.endsWith('_linux'));
  const found = new Set(
    (macs.length > 0 ? macs : platforms).map((tag) => (tag.startsWith('arm64_') ? 'arm64' : 'intel')),
  );
  return ARCHITECTURES.filter((arch) => found.size === 0 || found.has(arch));
}

/** Says that a mirror has nothing of a cask for an architecture; and why, where it is known that the upstream has a file. */
export const lackOf = (arch: Architecture, upstream?: CaskDownloads): string =>
  `no file for ${LABELS[arch]}${upstream && downloadFor(upstream, arch) ? ONE_FILE : ''}`;

const ONE_FILE = '; a mirror has one file of a cask, because stout compares all with one checksum';

/**
 * Returns the `url_specs` with which stout installs the cask's own file in one slot, and nothing elsewhere: there it finds
 * no address to ask, and would otherwise install the file of another architecture.
 */
export function urlSpecs(
  token: string,
  slot: string,
): Partial<Record<Architecture, CaskDownload>> | undefined {
  if (slot === '') return undefined;
  const others = ARCHITECTURES.filter((arch) => arch !== slot);
  return Object.fromEntries(
    others.map((arch) => [arch, { url: `not-mirrored:${token}.${arch}`, sha256: null }]),
  );
}

/** As stout chooses it. What is for another architecture only is repeated as the cask's own. */
function downloadFor(cask: CaskDownloads, arch: Architecture): CaskDownload | undefined {
  const specs = cask.url_specs ?? {};
  const isOfOther = Object.values(specs).some((spec) => isSame(spec, cask));
  return specs[arch] ?? (isOfOther ? undefined : cask);
}

const isSame = (a: CaskDownload | undefined, b: CaskDownload): boolean =>
  a !== undefined && a.sha256 === b.sha256 && (a.url === b.url || /^[0-9a-f]{64}$/.test(a.sha256 ?? ''));
