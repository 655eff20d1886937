import { readFile, writeFile } from 'node:fs/promises';
import { digestFile, hashFile } from '../../builder/directory/hash.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { signFile } from '../../format/file-signature.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import { signRoot } from '../../format/snapshot/root.ts';

/**
 * Alters a signed file of a mirror and signs everything above it again, as somebody with the key could: only the
 * contradictions in the contents are left to find. `fileKey` signs the file itself where that is to be another key.
 */
export async function resignWith(
  directory: string,
  key: SecretKey,
  path: string,
  alter: (local: string) => void,
  fileKey = key,
): Promise<void> {
  const contents = await readContents(directory);
  if (!contents) throw new Error(`${directory} is not a mirror`);
  const local = localPath(directory, path);
  alter(local);
  const { sha256, size } = await digestFile(local);
  const { hash } = await hashFile(local, 'blake2b512');
  const timestamp = Math.floor(Date.parse(contents.snapshot.created_at) / 1000);
  await writeFile(`${local}.sig`, signFile(fileKey, hash, { timestamp, file: path, sha256, size }));
  const entries = [];
  for (const entry of contents.entries) {
    const altered = entry.name === path || entry.name === signaturePath(path);
    entries.push(altered ? { ...entry, ...(await digestFile(localPath(directory, entry.name))) } : entry);
  }
  const { snapshot, leaves } = buildSnapshot({
    entries,
    now: new Date(contents.snapshot.created_at),
    validFor: (Date.parse(contents.snapshot.expires_at) - Date.parse(contents.snapshot.created_at)) / 1000,
    previous: contents.snapshot,
    keyId: key.keyId,
    generator: contents.snapshot.generator,
  });
  for (const { bytes, reference } of leaves)
    await writeFile(localPath(directory, leafPath(reference.sha256)), bytes);
  const { root, signature } = signRoot(snapshot, key);
  await writeFile(localPath(directory, ROOT), root);
  await writeFile(localPath(directory, signaturePath(ROOT)), signature);
}

/** Signs a mirror's root again with other times, and changes nothing else. */
export async function resignRoot(
  directory: string,
  key: SecretKey,
  times: { created_at: string; expires_at: string },
): Promise<void> {
  const local = localPath(directory, ROOT);
  const snapshot = { ...JSON.parse(await readFile(local, 'utf8')), ...times };
  const { root, signature } = signRoot(snapshot, key);
  await writeFile(local, root);
  await writeFile(localPath(directory, signaturePath(ROOT)), signature);
}
