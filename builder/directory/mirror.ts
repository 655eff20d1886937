import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { leafPath, MANIFEST, ROOT, signaturePath } from '../../format/layout.ts';
import { type Manifest, parseManifest } from '../../format/manifest.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { parseLeaf } from '../../format/snapshot/leaf.ts';
import { type LeafReference, parseRoot, type Root, type SignedRoot } from '../../format/snapshot/root.ts';
import { isCommitUnfinished } from '../snapshot/commit.ts';
import { localPath, PRIVATE } from './paths.ts';
import { isAbsent, isPresent } from './write.ts';

/** A file of a mirror whole. Throws `missing` naming its mirror path. */
export async function readMirrorFile(directory: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(localPath(directory, path));
  } catch (cause) {
    if (!isAbsent(cause)) throw cause;
    throw new MirrorError('missing', `${path} is missing.`, { where: path, cause });
  }
}

/** The root and its signature as they stand in the directory. Throws `missing`. */
export async function readSignedRoot(directory: string): Promise<SignedRoot> {
  const root = await readMirrorFile(directory, ROOT);
  const signature = await readMirrorFile(directory, signaturePath(ROOT));
  return { root, signature: Buffer.from(signature).toString('utf8') };
}

/** Entries of one leaf. Throws `missing`, `mismatch` or `bad-input`. */
export async function readLeaf(directory: string, reference: LeafReference): Promise<SnapshotEntry[]> {
  return parseLeaf(await readMirrorFile(directory, leafPath(reference.sha256)), reference);
}

/** manifest.json of a mirror. Throws `missing` or `bad-input`. */
export const readManifest = async (directory: string): Promise<Manifest> =>
  parseManifest(await readMirrorFile(directory, MANIFEST));

/** A mirror's own account of itself, signatures not yet checked. */
export interface MirrorContents {
  snapshot: Root;
  entries: SnapshotEntry[];
  manifest: Manifest;
}

/** Reads what a directory says it holds, or `undefined` when it is no mirror yet. Throws as its parts do. */
export async function readContents(directory: string): Promise<MirrorContents | undefined> {
  let root: Uint8Array;
  try {
    root = await readMirrorFile(directory, ROOT);
  } catch (error) {
    if (error instanceof MirrorError && error.code === 'missing') return undefined;
    throw error;
  }
  const snapshot = parseRoot(root);
  const leaves = await Promise.all(snapshot.leaves.map((leaf) => readLeaf(directory, leaf)));
  return { snapshot, entries: leaves.flat(), manifest: await readManifest(directory) };
}

/**
 * Throws unless the directory may become or is a mirror: absent, empty, or ours. Other people's files are not
 * mixed with a mirror's (`refused`).
 */
export async function expectUsable(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown): string[] => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return [];
    if (code !== 'ENOTDIR') throw error;
    throw new MirrorError('refused', `${directory} cannot be a folder: a file is in its way.`, {
      where: directory,
    });
  });
  const isOurs = names.includes(PRIVATE) || (names.includes(MANIFEST) && names.includes('snapshot'));
  if (names.length === 0 || isOurs || (await isPresent(localPath(directory, ROOT)))) return;
  throw new MirrorError('refused', `${directory} is not empty and not a mirror: choose another folder.`, {
    where: directory,
    found: names.slice(0, 5).join(', '),
  });
}

/** Throws unless the directory holds a mirror (`missing`). */
export async function expectMirror(directory: string): Promise<void> {
  if (await isPresent(localPath(directory, ROOT))) return;
  throw new MirrorError('missing', `${directory} is not a mirror: it has no ${ROOT}.`, { where: directory });
}

/** Throws unless the directory holds a whole mirror (`missing`) and no commit was interrupted (`refused`). */
export async function expectWhole(directory: string): Promise<void> {
  if (await isCommitUnfinished(directory)) {
    throw new MirrorError(
      'refused',
      `A change to ${directory} was interrupted: run the command that made it again, and it will be finished.`,
      { where: directory },
    );
  }
  await expectMirror(directory);
}

/** Mirror paths of all files in a folder of a mirror, sorted; none when there is no such folder. */
export async function filesBelow(directory: string, folder: string): Promise<string[]> {
  const options = { recursive: true, withFileTypes: true } as const;
  const found = await readdir(localPath(directory, folder), options).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}
