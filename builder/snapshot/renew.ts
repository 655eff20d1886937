import { utf8 } from '../../format/bytes.ts';
import { signFile } from '../../format/file-signature.ts';
import { encodeIndexManifest, parseIndexManifest } from '../../format/index-manifest.ts';
import { INDEX_MANIFEST, MANIFEST, SIGNED_PATHS, signaturePath } from '../../format/layout.ts';
import { encodeManifest, type Manifest, parseManifest } from '../../format/manifest.ts';
import type { SnapshotSigning } from './sign.ts';
import type { FileContent, Stage } from './stage.ts';

type Signing = Pick<SnapshotSigning, 'key' | 'now'>;

/**
 * Renews every signature below the snapshot's own, by which clients know the age of what they got: those of the databases,
 * stout's in the index manifest, and the checksums of both in manifest.json. The signed files stay as they are.
 * Throws `missing`, and `mismatch` for a file that is not as it was signed.
 */
export async function renewSignatures(stage: Stage, signing: Signing): Promise<void> {
  const index = parseIndexManifest(await stage.read(INDEX_MANIFEST));
  const manifest = parseManifest(await stage.read(MANIFEST));
  for (const path of SIGNED_PATHS) {
    if (stage.files.has(path)) await stageSignature(stage, path, await stage.prehash(path), signing);
  }
  await stage.put(INDEX_MANIFEST, encodeIndexManifest(index, secondsOf(signing), signing.key));
  await stage.put(MANIFEST, encodeManifest({ ...manifest, ...sumsOf(stage.files) }));
}

/** Stages the signature of a staged file; `prehash` is the BLAKE2b-512 of its bytes. Throws `missing`. */
export async function stageSignature(
  stage: Stage,
  path: string,
  prehash: Uint8Array,
  signing: Signing,
): Promise<void> {
  const { sha256, size } = stage.document(path);
  const signature = signFile(signing.key, prehash, {
    timestamp: secondsOf(signing),
    file: path,
    sha256,
    size,
  });
  await stage.put(signaturePath(path), utf8(signature));
}

/** Returns the digests of the index files, and the size of all files as far as it is known. */
export function sumsOf(files: ReadonlyMap<string, FileContent>): Pick<Manifest, 'checksums' | 'total_size'> {
  const index = [...files].filter(([path]) => path.startsWith('index/'));
  const sums = index.map(([path, { sha256 }]) => [path, sha256] as const);
  return {
    checksums: Object.fromEntries(sums.sort(([a], [b]) => (a < b ? -1 : 1))),
    total_size: [...files.values()].reduce((sum, { size = 0 }) => sum + size, 0),
  };
}

const secondsOf = ({ now }: Signing): number => Math.floor(now.getTime() / 1000);
