import { textOf } from '../bytes.ts';
import { sha256Hex } from '../digest.ts';
import { MirrorError } from '../errors.ts';
import { verifyFileSignature } from '../file-signature.ts';
import { indexFactsOf, parseIndexManifest, verifyIndex } from '../index-manifest.ts';
import { compressedDatabasePath, INDEX_MANIFEST, MANIFEST, SIGNED_PATHS, signaturePath } from '../layout.ts';
import { parseManifest } from '../manifest.ts';
import { keyIdText, type PublicKey } from '../minisign/public-key.ts';
import type { SnapshotEntry } from '../snapshot/entry.ts';
import type { ReportBuilder } from './report.ts';
import type { VerifySource } from './source.ts';

const MAX_SIGNATURE = 10_240;
const MAX_MANIFEST = 64 * 1024 * 1024;

/** What the checks of single documents need. */
export interface DocumentContext {
  source: VerifySource;
  trusted: readonly PublicKey[];
  report: ReportBuilder;
  /** The snapshot's entry of a name. Throws what makes its leaf unreadable. */
  resolve(name: string): Promise<SnapshotEntry | undefined>;
}

/** Checks manifest.json, stout's index signature and the minisign signature of every signed database. */
export async function checkDocuments(context: DocumentContext): Promise<void> {
  await attempt(context, 'manifest', MANIFEST, async () => {
    parseManifest(await readListed(context, MANIFEST, MAX_MANIFEST));
    return 'format version';
  });
  await attempt(context, 'index signature', INDEX_MANIFEST, () => checkIndexManifest(context));
  for (const path of SIGNED_PATHS) {
    const entry = await context.resolve(path).catch(() => undefined);
    if (entry) await attempt(context, 'signature', path, () => checkSignature(context, entry));
  }
}

async function attempt(
  { report }: DocumentContext,
  name: 'manifest' | 'index signature' | 'signature',
  path: string,
  run: () => Promise<string>,
): Promise<void> {
  try {
    report.check({ name, path, state: 'passed', evidence: await run() });
  } catch (error) {
    report.failCheck({ name, path }, error);
  }
}

/** Bytes of a listed document, held against the snapshot before anyone parses them. */
async function readListed(
  { resolve, source }: DocumentContext,
  path: string,
  limit: number,
): Promise<Uint8Array> {
  const entry = await resolve(path);
  if (!entry) {
    throw new MirrorError('missing', `The snapshot does not list ${path}.`, { where: path });
  }
  const bytes = await source.read(entry, limit);
  const found = sha256Hex(bytes);
  if (found !== entry.sha256) {
    throw new MirrorError('mismatch', `${path} has other bytes than the snapshot names.`, {
      where: path,
      expected: entry.sha256,
      found,
    });
  }
  return bytes;
}

async function checkIndexManifest(context: DocumentContext): Promise<string> {
  const manifest = parseIndexManifest(await readListed(context, INDEX_MANIFEST, MAX_MANIFEST));
  const facts = indexFactsOf(manifest);
  if (!facts || !verifyIndex(facts, manifest.signature ?? '', context.trusted)) {
    throw new MirrorError(
      'bad-signature',
      `stout's signature in ${INDEX_MANIFEST} is not by a trusted key.`,
      {
        where: INDEX_MANIFEST,
      },
    );
  }
  const database = compressedDatabasePath('formulas');
  const entry = await context.resolve(database);
  if (entry?.sha256 !== facts.formulasSha256) {
    throw new MirrorError(
      'mismatch',
      `${INDEX_MANIFEST} signs another ${database} than the snapshot lists.`,
      {
        where: INDEX_MANIFEST,
        expected: facts.formulasSha256,
        found: entry?.sha256,
      },
    );
  }
  return 'stout-index:v1';
}

async function checkSignature(context: DocumentContext, entry: SnapshotEntry): Promise<string> {
  const path = entry.name;
  const text = textOf(await readListed(context, signaturePath(path), MAX_SIGNATURE), signaturePath(path));
  const prehash = await context.source.prehash?.(entry);
  const { sha256, size, signer } = verifyFileSignature(text, path, context.trusted, prehash);
  if (sha256 !== entry.sha256 || size !== entry.size) {
    throw new MirrorError(
      'bad-signature',
      `${signaturePath(path)} was made for another version of ${path}.`,
      {
        where: signaturePath(path),
        expected: entry.sha256,
        found: sha256,
      },
    );
  }
  const basis = prehash ? 'signature over the bytes' : 'signature over the SHA-256 in its trusted comment';
  return `${basis}, key ${keyIdText(signer.keyId)}`;
}
