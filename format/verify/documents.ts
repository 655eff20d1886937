import { textOf } from '../bytes.ts';
import { MirrorError } from '../errors.ts';
import { verifyFileSignature } from '../file-signature.ts';
import { INDEX_MANIFEST, MANIFEST, SIGNED_PATHS, signaturePath } from '../layout.ts';
import { homebrewTime, type Manifest, parseManifest } from '../manifest.ts';
import { keyIdText } from '../minisign/public-key.ts';
import { isoSeconds } from '../snapshot/build.ts';
import type { SnapshotEntry } from '../snapshot/entry.ts';
import { checkIndexManifest } from './index-manifest.ts';
import { type DocumentContext, readListed } from './listed-document.ts';

const MAX_SIGNATURE = 10_240;
const MAX_MANIFEST = 64 * 1024 * 1024;

/** Checks manifest.json, stout's index signature and the minisign signature of every signed database. */
export async function checkDocuments(context: DocumentContext): Promise<void> {
  await attempt(context, 'manifest', MANIFEST, async () => {
    const homebrew = homebrewTime(await readManifest(context));
    const made = 'made in this version of the format';
    return homebrew === undefined ? made : `${made}, from Homebrew's API of ${isoSeconds(homebrew)}`;
  });
  await attempt(context, 'index signature', INDEX_MANIFEST, () => checkIndexManifest(context));
  for (const path of SIGNED_PATHS) {
    const entry = await context.resolve(path).catch(() => undefined);
    if (entry) await attempt(context, 'signature', path, () => checkSignature(context, entry));
  }
}

/** manifest.json, as listed. Throws `missing`, `mismatch` or `bad-input`. */
export const readManifest = async (context: DocumentContext): Promise<Manifest> =>
  parseManifest(await readListed(context, MANIFEST, MAX_MANIFEST));

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

async function checkSignature(context: DocumentContext, entry: SnapshotEntry): Promise<string> {
  const path = entry.name;
  const text = textOf(await readListed(context, signaturePath(path), MAX_SIGNATURE), signaturePath(path));
  const prehash = await context.source.prehash?.(entry);
  const over = prehash && (() => prehash);
  const { sha256, size, signer } = verifyFileSignature(text, path, context.trusted, over);
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
