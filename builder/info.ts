import { MirrorError } from '../format/errors.ts';
import { PACKAGE_LIST, ROOT, signaturePath } from '../format/layout.ts';
import { bytesByTag, homebrewTime } from '../format/manifest.ts';
import { keyIdText } from '../format/minisign/public-key.ts';
import { parseSignature } from '../format/minisign/signature.ts';
import { parsePackageList } from '../format/package-list.ts';
import { KINDS } from '../format/packages/kinds.ts';
import { isoSeconds } from '../format/snapshot/build.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import { expectWhole, readContents, readSignedRoot } from './directory/mirror.ts';
import { MAX_DOCUMENT, readMirrorFile } from './directory/read.ts';

/** What a mirror says about itself. None of it is verified. */
export type MirrorInfo = Awaited<ReturnType<typeof mirrorInfo>>;

/** Reads what a mirror directory holds. Throws `missing`, `refused` for an unfinished commit, or `bad-input`. */
export async function mirrorInfo(directory: string) {
  await expectWhole(directory);
  const contents = await readContents(directory);
  if (!contents) throw new MirrorError('missing', `${directory} is not a mirror.`, { where: directory });
  const { snapshot, entries, manifest } = contents;
  const { packages } = parsePackageList(await readMirrorFile(directory, PACKAGE_LIST, MAX_DOCUMENT));
  const { signature } = await readSignedRoot(directory);
  const homebrew = homebrewTime(manifest);
  const declared = KINDS.flatMap(({ key }) => Object.entries(manifest[key].packages));
  return {
    mirror: snapshot.mirror,
    version: snapshot.version,
    index_version: manifest.index_version,
    created_at: manifest.created_at,
    signed_at: snapshot.created_at,
    expires_at: snapshot.expires_at,
    /** The key id that the signature names. */
    signed_by: keyIdText(parseSignature(signature, signaturePath(ROOT)).keyId),
    generator: `${manifest.generator.name} ${manifest.generator.version}`,
    upstream: `${manifest.upstream.url} (${manifest.upstream.version})`,
    /** When Homebrew made the oldest of the API files that are mirrored or that packages come from. */
    homebrew_api: homebrew === undefined ? null : isoSeconds(homebrew),
    files: snapshot.totals.files,
    bytes: snapshot.totals.bytes,
    platforms: manifest.platforms,
    /** Bytes by top-level folder, without superseded files. */
    sizes: bytesByFolder(entries),
    /** Bytes of bottles by platform tag. A bottle for several platforms counts for each. */
    tags: bytesByTag(manifest),
    /** Packages whose files had no checksum upstream. */
    unchecked: declared.flatMap(([name, entry]) => ('unchecked' in entry && entry.unchecked ? [name] : [])),
    packages,
  };
}

function bytesByFolder(entries: readonly SnapshotEntry[]): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const { name, size = 0, path, until } of entries) {
    const [folder = name] = name.split('/', 1);
    if (path === undefined && until === undefined) sizes[folder] = (sizes[folder] ?? 0) + size;
  }
  return sizes;
}
