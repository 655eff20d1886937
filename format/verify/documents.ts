import { textOf } from '../bytes.ts';
import { MirrorError } from '../errors.ts';
import { verifyFileSignature } from '../file-signature.ts';
import { parseIndexManifest, verifyIndex } from '../index-manifest.ts';
import { isoSeconds } from '../iso-seconds.ts';
import {
  compressedDatabasePath,
  INDEX_MANIFEST,
  type IndexName,
  MANIFEST,
  SIGNED_PATHS,
  signaturePath,
} from '../layout.ts';
import { homebrewTime, type Manifest, parseManifest } from '../manifest.ts';
import { MAX_SIGNATURE } from '../minisign/signature.ts';
import type { SnapshotEntry } from '../snapshot/entry.ts';
import type { WalkContext } from './context.ts';
import { signatureEvidence } from './evidence.ts';
import type { Listing } from './listing.ts';

const MAX_MANIFEST = 64 * 1024 * 1024;
const MAX_INDEX_MANIFEST = 1024 * 1024;

/** Checks manifest.json and index/manifest.json (step 5), then the signature of every signed database (step 6). */
export async function checkDocuments(context: WalkContext): Promise<void> {
  const { listing, report } = context;
  await checkManifest(context);
  await report.attempt('index signature', INDEX_MANIFEST, () => checkIndexManifest(context));
  for (const path of SIGNED_PATHS) {
    const entry = await listing.find(path).catch(() => undefined);
    if (entry) await report.attempt('signature', path, () => checkSignature(context, entry));
  }
}

/** Parses manifest.json if the caller has time for so many bytes; otherwise the walk compares it with the list as any file. */
async function checkManifest({ listing, report, options }: WalkContext): Promise<void> {
  const { maxParsed = MAX_MANIFEST } = options;
  const { size = 0 } = (await listing.find(MANIFEST).catch(() => undefined)) ?? {};
  if (size > maxParsed) {
    const evidence = 'whether it has this version of the format: it is too long to be parsed here';
    return report.check({ name: 'manifest', path: MANIFEST, state: 'not checked here', evidence });
  }
  await report.attempt('manifest', MANIFEST, async () => {
    const homebrew = homebrewTime(parseManifest(await listing.read(MANIFEST, maxParsed)));
    const made = 'made in this version of the format';
    return homebrew === undefined ? made : `${made}, from Homebrew's API of ${isoSeconds(homebrew)}`;
  });
}

/** Returns manifest.json as listed. Throws `missing`, `mismatch` or `bad-input`. */
export const readManifest = async (listing: Listing): Promise<Manifest> =>
  parseManifest(await listing.read(MANIFEST, MAX_MANIFEST));

/** Checks what stock stout checks: its own signature, and the databases that the index manifest names. */
async function checkIndexManifest({ listing, signer, options }: WalkContext): Promise<string> {
  const where = INDEX_MANIFEST;
  const manifest = parseIndexManifest(await listing.read(where, MAX_INDEX_MANIFEST));
  if (!verifyIndex(manifest, [signer], options.crypto)) {
    const message = `stout's signature in ${where} is not by the key that signed the root.`;
    throw new MirrorError('bad-signature', message, { where });
  }
  // A client counts the age from here. It would refuse the mirror before the snapshot expires.
  const { created_at: expected } = listing.root;
  const found = isoSeconds(manifest.signed_at ?? 0);
  if (Date.parse(found) < Date.parse(expected)) {
    const message = `stout's signature in ${where} is older than the snapshot's.`;
    throw new MirrorError('expired', message, { where, expected, found });
  }
  await expectDatabase(listing, 'formulas', manifest.indexes.formulas.db_sha256);
  await expectDatabase(listing, 'casks', manifest.indexes.casks?.db_sha256);
  return "stout's own index signature (stout-index:v1)";
}

async function expectDatabase(listing: Listing, kind: IndexName, found: string | undefined): Promise<void> {
  const path = compressedDatabasePath(kind);
  const expected = (await listing.find(path))?.sha256;
  if (found === expected) return;
  const message = `${INDEX_MANIFEST} and the snapshot disagree about ${path}.`;
  throw new MirrorError('mismatch', message, { where: INDEX_MANIFEST, expected, found });
}

async function checkSignature(
  { source, listing, signer, options }: WalkContext,
  entry: SnapshotEntry,
): Promise<string> {
  const path = entry.name;
  const where = signaturePath(path);
  const text = textOf(await listing.read(where, MAX_SIGNATURE), where);
  const prehash = await source.prehash?.(entry);
  const over = prehash && (() => prehash);
  const { sha256, size } = verifyFileSignature(text, path, [signer], over, options.crypto);
  if (sha256 !== entry.sha256 || size !== entry.size) {
    const message = `${where} was made for another version of ${path}.`;
    throw new MirrorError('bad-signature', message, { where, expected: entry.sha256, found: sha256 });
  }
  return signatureEvidence(prehash !== undefined, signer);
}
