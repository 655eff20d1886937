import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSignedRoot } from '../../builder/directory/mirror.ts';
import { DirectoryStore } from '../../builder/directory/store.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { openRoot, parseRoot } from '../../format/snapshot/root.ts';
import type { Which } from '../../format/store.ts';
import type { TestFormula } from '../builder/upstream.ts';
import { BundleWorld } from '../bundle/world.ts';
import { TEST_KEY } from '../support/keys.ts';
import type { Ended } from '../support/programs.ts';

const PACKAGES = 6;
/** Larger than what is read whole, so that both ways to read a file are tried. */
const BOTTLE_LINES = 5000;

/** Returns the formulas of an edition: of `package-0` and of `small` the version changes. */
export const edition = (number: number): TestFormula[] => [
  ...Array.from({ length: PACKAGES }, (_, index) => {
    const version = index === 0 ? `${number}.0` : '1.0';
    return {
      name: `package-${index}`,
      version,
      bottle: `package ${index} ${version}\n`.repeat(BOTTLE_LINES),
    };
  }),
  { name: 'small', version: `${number}.0`, bottle: `small ${number}` },
];

/** A mirror whose folder keeps snapshots. */
export class HistoryWorld extends BundleWorld {
  /** Makes the next edition; with options for `create`. */
  async edition(number: number, ...options: string[]): Promise<number> {
    const made = await this.makeWith(edition(number), options);
    if (made.status !== 0) throw new Error(made.stderr);
    return this.version();
  }

  /** Returns the version that the folder has. */
  version = async (directory = this.mirror): Promise<number> =>
    parseRoot((await readSignedRoot(directory)).root).version;

  bundle = (...args: string[]): Promise<Ended> => this.outside('bundle', this.mirror, ...args);
}

/** Returns what a folder serves of a snapshot or a channel: its version, and each file whose bytes are not as signed. */
export async function servedOf(
  directory: string,
  which: Which,
  now = new Date(),
): Promise<{ version: number; damaged: string[] } | undefined> {
  const store = new DirectoryStore(directory);
  const signed = await store.signedRoot(which);
  if (!signed) return undefined;
  const { snapshot } = openRoot(signed, [TEST_KEY.publicKey]);
  const damaged: string[] = [];
  for (const [index, reference] of snapshot.leaves.entries()) {
    const bytes = await store.leaf(reference);
    if (!bytes) return { version: snapshot.version, damaged: [reference.sha256] };
    for (const entry of new Leaf(bytes, snapshot, index).entries()) {
      if (entry.until !== undefined && entry.until * 1000 <= now.getTime()) continue;
      if (!(await isAsSigned(store, entry))) damaged.push(entry.name);
    }
  }
  return { version: snapshot.version, damaged };
}

async function isAsSigned(store: DirectoryStore, entry: SnapshotEntry): Promise<boolean> {
  const [head, file] = [await store.head(entry), await store.open(entry)];
  if (!file) return false;
  const bytes = new Uint8Array(await new Response(file.body).arrayBuffer());
  return (
    [head?.sha256, file.record.sha256].every((found) => found === entry.sha256) && bytes.length === entry.size
  );
}

/** Returns the inodes and the bytes below a folder, each file counted once whatever names it has. */
export async function spaceOf(directory: string): Promise<{ inodes: number; bytes: number }> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    names.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name))),
  );
  const sizes = new Map(files.map(({ ino, size }) => [ino, size]));
  return { inodes: sizes.size, bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) };
}
