import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { leafPath, MANIFEST, ROOT, signaturePath } from '../../format/layout.ts';
import { type Manifest, parseManifest } from '../../format/manifest.ts';
import { MAX_SIGNATURE } from '../../format/minisign/signature.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import { parseRoot, type Root, type SignedRoot } from '../../format/snapshot/root.ts';
import { isCommitUnfinished } from '../snapshot/journal.ts';
import { localPath, ownFolder, PRIVATE } from './paths.ts';
import { MAX_DOCUMENT, readMirrorFile } from './read.ts';
import { isAbsent, isPresent } from './write.ts';

/** Reads the root and its signature, and verifies neither. Throws `missing`. */
export async function readSignedRoot(directory: string): Promise<SignedRoot> {
  const root = await readMirrorFile(directory, ROOT, MAX_POINTER_SIZE);
  const signature = await readMirrorFile(directory, signaturePath(ROOT), MAX_SIGNATURE);
  return { root, signature: Buffer.from(signature).toString('utf8') };
}

/** Reads the entries of the leaf of a root with this index. Throws `missing`, `mismatch` or `bad-input`. */
export async function readLeaf(directory: string, root: Root, index: number): Promise<SnapshotEntry[]> {
  const { sha256 = '', size = 0 } = root.leaves[index] ?? {};
  return new Leaf(await readMirrorFile(directory, leafPath(sha256), size), root, index).entries();
}

/** Reads the entries of all leaves of a root. Throws as {@link readLeaf}. */
export async function readEntries(directory: string, root: Root): Promise<SnapshotEntry[]> {
  return (await Promise.all(root.leaves.map((_, index) => readLeaf(directory, root, index)))).flat();
}

/** Reads manifest.json. Throws `missing` or `bad-input`. */
export const readManifest = async (directory: string): Promise<Manifest> =>
  parseManifest(await readMirrorFile(directory, MANIFEST, MAX_DOCUMENT));

/**
 * Reads what a mirror says about itself, without verifying signatures. Returns `undefined` if the directory is not a mirror
 * yet. Throws as its parts do.
 */
export async function readContents(directory: string) {
  if (!(await isPresent(localPath(directory, ROOT)))) return undefined;
  const snapshot = parseRoot(await readMirrorFile(directory, ROOT, MAX_POINTER_SIZE));
  const entries = await readEntries(directory, snapshot);
  return { snapshot, entries, manifest: await readManifest(directory) };
}

/** Throws `refused` unless the directory is absent, empty or a mirror: a mirror is not mixed with other files. */
export async function expectUsable(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown): string[] => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return [];
    if (code !== 'ENOTDIR') throw error;
    const message = `${directory} cannot be a folder: a file is in its way.`;
    throw new MirrorError('refused', message, { where: directory });
  });
  const isOurs = names.includes(PRIVATE) || (names.includes(MANIFEST) && names.includes('snapshot'));
  if (names.length === 0 || isOurs || (await isPresent(localPath(directory, ROOT)))) return;
  throw new MirrorError('refused', `${directory} is not empty and not a mirror: choose another folder.`, {
    where: directory,
    found: names.slice(0, 5).join(', '),
  });
}

/** Throws `missing` unless the directory holds a mirror. */
export async function expectMirror(directory: string): Promise<void> {
  if (await isPresent(localPath(directory, ROOT))) return;
  if (await isPresent(localPath(directory, PRIVATE))) {
    const message = `The first create or unbundle of ${directory} was interrupted: run it again, or remove the folder. What came is kept.`;
    throw new MirrorError('missing', message, { where: directory });
  }
  throw new MirrorError('missing', `${directory} is not a mirror: it has no ${ROOT}.`, { where: directory });
}

/** Throws `missing` unless the directory holds a mirror, and `refused` if a commit was interrupted. */
export async function expectWhole(directory: string): Promise<void> {
  if (await isCommitUnfinished(directory)) {
    const message = `A change to ${directory} was interrupted: run that command again to finish it.`;
    throw new MirrorError('refused', message, { where: directory });
  }
  await expectMirror(directory);
}

/**
 * Returns the mirror paths of all names in a folder that are not folders, links and special files too, sorted. Without such a
 * folder there are none. Throws `refused` if it is not a folder of this mirror.
 */
export async function filesBelow(directory: string, folder: string): Promise<string[]> {
  const options = { recursive: true, withFileTypes: true } as const;
  const found = await readdir(ownFolder(directory, folder), options).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}
