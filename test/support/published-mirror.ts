import { readFile } from 'node:fs/promises';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { filePathOf } from '../../format/snapshot/entry.ts';
import type { SignedMirror } from '../format/support.ts';

/** Returns what a mirror's folder has, as it is published; files on demand are not among it. */
export async function publishedFrom(directory: string): Promise<SignedMirror> {
  const { entries = [], snapshot } = (await readContents(directory)) ?? {};
  if (!snapshot) throw new Error('There is no mirror.');
  const here = entries
    .filter(({ source, path }) => source === undefined && path === undefined)
    .map(filePathOf);
  const leaves = snapshot.leaves.map(({ sha256 }) => leafPath(sha256));
  const paths = [...here, ...leaves, ROOT, signaturePath(ROOT)];
  const files = paths.map(async (path) => [path, await readFile(localPath(directory, path))] as const);
  return { files: new Map(await Promise.all(files)), entries, snapshot };
}
