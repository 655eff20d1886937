import { MirrorError } from '../errors.ts';
import { type IndexFacts, indexFactsOf, parseIndexManifest, verifyIndex } from '../index-manifest.ts';
import { compressedDatabasePath, INDEX_MANIFEST, type IndexName } from '../layout.ts';
import { type DocumentContext, readListed } from './listed-document.ts';

const MAX_SIZE = 1024 * 1024;

/**
 * Checks what a stock stout will: its own signature, and that the manifest names the databases that are listed.
 * Throws `bad-signature`, `expired`, `mismatch`, `missing` or `bad-input`.
 */
export async function checkIndexManifest(context: DocumentContext): Promise<string> {
  const manifest = parseIndexManifest(await readListed(context, INDEX_MANIFEST, MAX_SIZE));
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
  expectAsFresh(facts, context.snapshot.created_at);
  await expectDatabase(context, 'formulas', facts.formulasSha256);
  await expectDatabase(context, 'casks', manifest.indexes.casks?.db_sha256);
  return "stout's own index signature (stout-index:v1)";
}

/** A client counts the age from here, and would refuse the mirror before the snapshot expires. */
function expectAsFresh({ signedAt }: IndexFacts, createdAt: string): void {
  if (signedAt * 1000 >= Date.parse(createdAt)) return;
  throw new MirrorError('expired', `stout's signature in ${INDEX_MANIFEST} is older than the snapshot's.`, {
    where: INDEX_MANIFEST,
    expected: createdAt,
    found: new Date(signedAt * 1000).toISOString(),
  });
}

async function expectDatabase(
  { resolve }: DocumentContext,
  kind: IndexName,
  named: string | undefined,
): Promise<void> {
  const path = compressedDatabasePath(kind);
  const listed = (await resolve(path))?.sha256;
  if (listed === named) return;
  throw new MirrorError('mismatch', `${INDEX_MANIFEST} names another ${path} than the snapshot lists.`, {
    where: INDEX_MANIFEST,
    expected: listed,
    found: named,
  });
}
