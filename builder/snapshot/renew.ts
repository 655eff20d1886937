import { utf8 } from '../../format/bytes.ts';
import { signFile } from '../../format/file-signature.ts';
import { encodeIndexManifest, parseIndexManifest } from '../../format/index-manifest.ts';
import { INDEX_MANIFEST, MANIFEST, SIGNED_PATHS, signaturePath } from '../../format/layout.ts';
import { encodeManifest, type Manifest } from '../../format/manifest.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import type { FileDigest } from '../directory/hash.ts';
import { sumsOf } from '../index/metadata.ts';

/** The files of a mirror to come, wherever they are kept: those that stay, and what is put among them. */
export interface Stage {
  readonly files: ReadonlyMap<string, FileDigest>;
  put(path: string, bytes: Uint8Array): Promise<FileDigest>;
}

/** Where the listed files of a mirror are read. Both throw `missing`, and `mismatch` for bytes that are not the listed ones. */
export interface ListedFiles {
  read(path: string): Promise<Uint8Array>;
  /** BLAKE2b-512 of a file's bytes. */
  prehash(path: string): Promise<Uint8Array>;
}

/** Who signs, and when. */
export interface Signing {
  key: SecretKey;
  now: Date;
}

/**
 * Makes anew every signature below the snapshot's own, by which clients tell the age of what they got: the databases',
 * stout's in the index manifest, and the checksums of both in manifest.json. The files that are signed stay as they are.
 */
export async function renewSignatures(
  stage: Stage,
  listed: ListedFiles,
  manifest: Manifest,
  { key, now }: Signing,
): Promise<void> {
  const timestamp = Math.floor(now.getTime() / 1000);
  for (const path of SIGNED_PATHS) {
    const digest = stage.files.get(path);
    if (!digest) continue;
    const { sha256, size } = digest;
    const signature = signFile(key, await listed.prehash(path), { timestamp, file: path, sha256, size });
    await stage.put(signaturePath(path), utf8(signature));
  }
  const index = parseIndexManifest(await listed.read(INDEX_MANIFEST));
  await stage.put(INDEX_MANIFEST, encodeIndexManifest(index, timestamp, key));
  await stage.put(MANIFEST, encodeManifest({ ...manifest, ...sumsOf(stage.files) }));
}
