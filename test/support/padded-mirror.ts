import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { type Root, signRoot } from '../../format/snapshot/root.ts';
import { TEST_KEY } from './keys.ts';

const MODIFIED = 1_700_000_000;

/**
 * Adds bottles to a mirror, a line of text each, and signs them with the test key: the index does not know them, but
 * publishing goes by the snapshot alone. `changed` gives the bottles of those numbers other bytes.
 */
export async function padMirror(
  directory: string,
  count: number,
  changed: ReadonlySet<number> = new Set(),
): Promise<void> {
  const contents = await readContents(directory);
  if (!contents) throw new Error(`${directory} is not a mirror`);
  await mkdir(join(directory, 'bottles'), { recursive: true });
  const padding = [];
  for (let number = 0; number < count; number++) {
    const name = `bottles/padding-${number}.all.bottle.tar.gz`;
    const bytes = Buffer.from(`bottle ${number}${changed.has(number) ? ', changed' : ''}\n`);
    await writeFile(localPath(directory, name), bytes);
    const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
    padding.push({
      ...{ name, size: bytes.length, modified: MODIFIED },
      ...{ sha256: digest('sha256'), md5: digest('md5') },
    });
  }
  const kept = contents.entries.filter(({ name }) => !name.startsWith('bottles/padding-'));
  await signEntries(directory, contents.snapshot, [...kept, ...padding]);
}

/** Signs these entries as the next snapshot of a mirror, whatever the files are. */
export async function signEntries(
  directory: string,
  previous: Root,
  entries: readonly SnapshotEntry[],
): Promise<void> {
  const { snapshot, leaves } = buildSnapshot({
    entries,
    now: new Date(),
    validFor: 86_400,
    previous,
    keyId: TEST_KEY.keyId,
    generator: previous.generator,
  });
  for (const { bytes, reference } of leaves)
    await writeFile(localPath(directory, leafPath(reference.sha256)), bytes);
  const { root, signature } = signRoot(snapshot, TEST_KEY);
  await writeFile(localPath(directory, ROOT), root);
  await writeFile(localPath(directory, signaturePath(ROOT)), signature);
}
