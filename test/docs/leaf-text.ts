import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { signRoot } from '../../format/snapshot/root.ts';

/** The root's keys that are read here. It is read as JSON, because tests also write roots that no parser accepts. */
interface RootDocument {
  leaves: { sha256: string }[];
  [key: string]: unknown;
}

/** Reads the root of a mirror without checking it. */
export const readRoot = async (directory: string): Promise<RootDocument> =>
  JSON.parse(await readFile(join(directory, 'snapshot/root.json'), 'utf8'));

/** Returns the path of a leaf. */
export const leafPathOf = (sha256: string): string => `snapshot/leaves/${sha256}.tsv`;

/** Reads the lines of all leaves. */
export async function readLeafText(directory: string): Promise<string> {
  const { leaves } = await readRoot(directory);
  const texts = leaves.map(({ sha256 }) => readFile(join(directory, leafPathOf(sha256)), 'utf8'));
  return (await Promise.all(texts)).join('');
}

/**
 * Puts the altered lines of a mirror into one leaf, and signs a root over it with other keys if `changes` has any: what a
 * holder of the key could publish. Returns the path of the leaf.
 */
export async function resignText(
  directory: string,
  key: SecretKey,
  alter: (text: string) => string,
  changes: Record<string, unknown> = {},
): Promise<string> {
  const before = await readRoot(directory);
  const bytes = Buffer.from(alter(await readLeafText(directory)));
  for (const { sha256 } of before.leaves) await rm(join(directory, leafPathOf(sha256)));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(directory, leafPathOf(sha256)), bytes);
  const totals = totalsOf(bytes.toString());
  const [first = ''] = bytes.toString().split('\t', 1);
  const leaves = [{ first, sha256, size: bytes.length, ...totals }];
  const { root, signature } = signRoot(
    JSON.parse(JSON.stringify({ ...before, totals, leaves, ...changes })),
    key,
  );
  await writeFile(join(directory, 'snapshot/root.json'), root);
  await writeFile(join(directory, 'snapshot/root.json.sig'), signature);
  return leafPathOf(sha256);
}

function totalsOf(text: string): { files: number; bytes: number } {
  const own = text.split('\n').filter((line) => line !== '' && !line.includes('\tpath='));
  return { files: own.length, bytes: own.reduce((sum, line) => sum + (Number(line.split('\t')[2]) || 0), 0) };
}

/** Alters the lines whose name or `path` is `path`: the entry of a file, and its content address. */
export const linesOf =
  (path: string, alter: (line: string) => string) =>
  (text: string): string =>
    text.replace(/^.*\n/gm, (line) =>
      line.startsWith(`${path}\t`) || line.includes(`\tpath=${path}\t`) || line.includes(`\tpath=${path}\n`)
        ? alter(line)
        : line,
    );

/** Adds a field to the end of a line. */
export const withField =
  (field: string) =>
  (line: string): string =>
    `${line.slice(0, -1)}\t${field}\n`;
