import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readContents } from '../../../builder/directory/mirror.ts';
import { localPath } from '../../../builder/directory/paths.ts';
import { leafPath, ROOT, signaturePath } from '../../../format/layout.ts';
import type { SecretKey } from '../../../format/minisign/secret-key.ts';
import { signRoot } from '../../../format/snapshot/root.ts';
import { OTHER_KEY, TEST_KEY } from '../keys.ts';
import { makeMirror, REQUEST } from '../mirror.ts';
import { resignRoot, resignWith } from '../resign.ts';

const MINUTE = 60_000;
const BOTTLE = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const SIGNATURE = signaturePath(ROOT);
const DATABASE = 'index/formulas.db';
const FIRST_LEAF = 'the first leaf';
const NOWHERE = '0'.repeat(64);

/** Damage to a mirror folder, and the verdict on it. */
export interface FolderDamage {
  what: string;
  /** The path that every verification must name; see {@link pathIn}. */
  path: string;
  /** What our own verification finds there. */
  state: string;
  damage(directory: string): Promise<unknown>;
}

/**
 * Makes the mirror that these damages suit: small, because it is copied for each, of one platform, with a plus sign in a
 * name, and in its second snapshot, in which Firefox is superseded and within its grace period.
 */
export async function makeDamageable(directory: string): Promise<void> {
  const request = { ...REQUEST, packages: ['gtk+3', 'jq'], tags: ['sonoma'] };
  await makeMirror(directory, { request, now: new Date(Date.now() - MINUTE) });
  await makeMirror(directory, { request: { ...request, casks: ['visual-studio-code'] } });
}

/** Returns the path that must be named in this mirror. */
export async function pathIn(directory: string, { path }: FolderDamage): Promise<string> {
  if (path !== FIRST_LEAF) return path;
  const [leaf] = await readdir(join(directory, 'snapshot/leaves'));
  return `snapshot/leaves/${leaf}`;
}

/** Returns the same for the root and its signature: where they do not agree, either may have been changed. */
export const withoutSignature = (path: string): string => (path === SIGNATURE ? ROOT : path);

const at =
  (path: string, damage: (local: string) => Promise<void>): FolderDamage['damage'] =>
  (directory) =>
    damage(localPath(directory, path));

async function flip(local: string): Promise<void> {
  const bytes = await readFile(local);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(local, bytes);
}

/** Alters a signed database and signs everything above it again, as somebody with the key could. */
const inDatabase =
  (statement: string): FolderDamage['damage'] =>
  (directory) =>
    resignWith(directory, TEST_KEY, DATABASE, (local) => {
      const database = new DatabaseSync(local);
      database.exec(statement);
      database.close();
    });

/** Signs the root again, valid between two moments, in days from now. */
const resigned =
  (key: SecretKey, from: number, to: number): FolderDamage['damage'] =>
  (directory) => {
    const inDays = (count: number) => new Date(Date.now() + count * 24 * 60 * MINUTE).toISOString();
    return resignRoot(directory, key, { created_at: inDays(from), expires_at: inDays(to) });
  };

async function nameAnotherLeaf(directory: string): Promise<void> {
  const { snapshot } = (await readContents(directory)) ?? {};
  if (!snapshot) throw new Error('no snapshot');
  const leaves = snapshot.leaves.map((leaf) => ({ ...leaf, sha256: NOWHERE }));
  const { root, signature } = signRoot({ ...snapshot, leaves }, TEST_KEY);
  await writeFile(localPath(directory, ROOT), root);
  await writeFile(localPath(directory, SIGNATURE), signature);
}

const ONE_BIT = [
  BOTTLE,
  'casks/firefox-143.0.dmg',
  'index/formulas/data/j/jq.json.zst',
  'index/formulas/index.db.zst',
  'index/casks.db',
  'index/casks.db.sig',
  'index/packages.tsv',
  'index/manifest.json',
  'manifest.json',
  'vulns/cve.db',
];

/** The damages that every verification of a folder must find: ours, and the second implementation's. */
export const FOLDER_DAMAGES: FolderDamage[] = [
  {
    what: 'a bottle that was cut short',
    path: BOTTLE,
    state: 'mismatch',
    damage: at(BOTTLE, (local) => truncate(local, 1000)),
  },
  {
    what: 'a bottle that goes on',
    path: BOTTLE,
    state: 'mismatch',
    damage: at(BOTTLE, (local) => appendFile(local, 'x')),
  },
  { what: 'a missing bottle', path: BOTTLE, state: 'missing', damage: at(BOTTLE, rm) },
  ...ONE_BIT.map((path) => ({
    what: `one bit of ${path}`,
    path,
    state: 'mismatch',
    damage: at(path, flip),
  })),
  {
    what: 'one bit of a leaf',
    path: FIRST_LEAF,
    state: 'mismatch',
    damage: async (directory) => {
      const [leaf] = await readdir(join(directory, 'snapshot/leaves'));
      await flip(localPath(directory, `snapshot/leaves/${leaf}`));
    },
  },
  {
    what: 'a missing leaf',
    path: FIRST_LEAF,
    state: 'missing',
    damage: (directory) => rm(join(directory, 'snapshot/leaves'), { recursive: true }),
  },
  {
    what: 'a root that names another leaf',
    path: leafPath(NOWHERE),
    state: 'missing',
    damage: nameAnotherLeaf,
  },
  { what: 'one bit of the root', path: SIGNATURE, state: 'bad-signature', damage: at(ROOT, flip) },
  { what: 'a root without its signature', path: SIGNATURE, state: 'missing', damage: at(SIGNATURE, rm) },
  {
    what: "another time in the root's signature",
    path: SIGNATURE,
    state: 'bad-signature',
    damage: at(SIGNATURE, async (local) => {
      await writeFile(local, (await readFile(local, 'utf8')).replace('timestamp:1', 'timestamp:2'));
    }),
  },
  {
    what: 'a root that another key signed',
    path: SIGNATURE,
    state: 'bad-signature',
    damage: resigned(OTHER_KEY, -1, 1),
  },
  { what: 'an expired root', path: ROOT, state: 'expired', damage: resigned(TEST_KEY, -2, -1) },
  {
    what: 'a stout signature that is older than the root',
    path: 'index/manifest.json',
    state: 'expired',
    damage: resigned(TEST_KEY, 0.1, 1),
  },
  {
    what: 'a database that another key signed',
    path: signaturePath(DATABASE),
    state: 'bad-signature',
    damage: (directory) => resignWith(directory, TEST_KEY, DATABASE, () => undefined, OTHER_KEY),
  },
  {
    what: 'a signed database with other bytes of a bottle than the snapshot',
    path: BOTTLE,
    state: 'mismatch',
    damage: inDatabase(`UPDATE bottles SET sha256 = '${NOWHERE}' WHERE path = '${BOTTLE}'`),
  },
  {
    what: 'a signed database that lacks a bottle of the snapshot',
    path: BOTTLE,
    state: 'mismatch',
    damage: inDatabase(`DELETE FROM bottles WHERE path = '${BOTTLE}'`),
  },
  {
    what: 'a signed database with a bottle that the snapshot lacks',
    path: 'bottles/jq-9.ventura.bottle.tar.gz',
    state: 'missing',
    damage: inDatabase(
      `INSERT INTO bottles VALUES ('jq', 'ventura', 'bottles/jq-9.ventura.bottle.tar.gz', '${NOWHERE}', 5)`,
    ),
  },
];
