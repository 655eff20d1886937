import { decisionText } from '../format/decision-text.ts';
import { MirrorError } from '../format/errors.ts';
import { isoSeconds } from '../format/iso-seconds.ts';
import { PACKAGE_LIST, POLICY, ROOT, signaturePath } from '../format/layout.ts';
import { bytesByTag, homebrewTime, type Manifest } from '../format/manifest.ts';
import { keyIdText } from '../format/minisign/public-key.ts';
import { parseSignature } from '../format/minisign/signature.ts';
import { parsePackageList } from '../format/package-list.ts';
import { KINDS } from '../format/packages/kinds.ts';
import { NO_DECISIONS, type PolicyDocument, parsePolicyDocument } from '../format/policy.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import { expectWhole, readContents, readSignedRoot } from './directory/mirror.ts';
import { inspectFile } from './directory/paths.ts';
import { MAX_DOCUMENT, readMirrorFile } from './directory/read.ts';

/** What a mirror says about itself. None of it is verified. */
export type MirrorInfo = Awaited<ReturnType<typeof mirrorInfo>>;

/** Reads what a mirror directory holds. Throws `missing`, `refused` for an unfinished commit, or `bad-input`. */
export async function mirrorInfo(directory: string) {
  await expectWhole(directory);
  const contents = await readContents(directory);
  if (!contents) throw new MirrorError('missing', `${directory} is not a mirror.`, { where: directory });
  const { snapshot, entries, manifest } = contents;
  const packages = parsePackageList(await readMirrorFile(directory, PACKAGE_LIST, MAX_DOCUMENT));
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
    /** Files that a server fetches when somebody first asks for them; `here` are those that this folder has. */
    on_demand: onDemandCounts(directory, entries),
    /** Bytes by top-level folder, as far as known and without superseded files. Null if nothing is known. */
    sizes: bytesByFolder(entries),
    /** Bytes of bottles by platform tag. A bottle for several platforms counts for each. Null if one is of unknown size. */
    tags: tagSizes(manifest),
    /** What the policy decided, and the versions that wait. */
    policy: await readPolicy(directory, entries),
    /** Packages whose files had no checksum upstream. */
    unchecked: declared.flatMap(([name, entry]) => ('unchecked' in entry && entry.unchecked ? [name] : [])),
    packages,
  };
}

/** Returns what the policy of a mirror decided, a sentence a line. */
export function policyLines({
  policy: { decisions, homebrew_api: api },
}: Pick<MirrorInfo, 'policy'>): string[] {
  const until = api?.until === undefined ? '' : `, the next from ${isoSeconds(api.until)} on`;
  const held = api ? [`brew gets Homebrew's API of ${isoSeconds(api.generated_at)}${until}.`] : [];
  return [...held, ...decisions.map(decisionText)];
}

/** A mirror may lack the document. */
const readPolicy = async (directory: string, entries: readonly SnapshotEntry[]): Promise<PolicyDocument> =>
  entries.some(({ name }) => name === POLICY)
    ? parsePolicyDocument(await readMirrorFile(directory, POLICY, MAX_DOCUMENT))
    : NO_DECISIONS;

function tagSizes(manifest: Manifest): Record<string, number | null> {
  const known = bytesByTag(manifest);
  return Object.fromEntries(manifest.platforms.map((tag) => [tag, known[tag] ?? null]));
}

function onDemandCounts(directory: string, entries: readonly SnapshotEntry[]) {
  const files = entries.filter(
    ({ source, path, until }) => source !== undefined && path === undefined && until === undefined,
  );
  return {
    files: files.length,
    here: files.filter(({ name }) => inspectFile(directory, name) !== undefined).length,
    of_unknown_size: files.filter(({ size }) => size === undefined).length,
  };
}

function bytesByFolder(entries: readonly SnapshotEntry[]): Record<string, number | null> {
  const sizes: Record<string, number | null> = {};
  for (const { name, size, path, until } of entries) {
    const [folder = name] = name.split('/', 1);
    if (path !== undefined || until !== undefined) continue;
    const sum = sizes[folder] ?? null;
    sizes[folder] = size === undefined ? sum : (sum ?? 0) + size;
  }
  return sizes;
}
