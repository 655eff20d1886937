import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { parseValue } from '../../format/parse.ts';
import { recordSchema } from '../../format/schemas.ts';
import { openElsewhere, readUpTo } from '../directory/plain-file.ts';
import { isAbsent } from '../directory/write.ts';
import type { Remark } from '../plan/plan.ts';
import type { NamedPackages } from './brewfile-entries.ts';
import { decodeText, MAX_TEXT } from './text.ts';
import { parseToml } from './toml.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const stoutSchema = v.object({ packages: v.optional(recordSchema(v.unknown()), {}) });
const notRequestedSchema = v.object({ requested: v.literal(false) });
const receiptSchema = v.object({
  installed_on_request: v.nullish(v.boolean(), true),
  source: v.nullish(v.object({ tap: v.nullish(v.string()) })),
});

const PREFIXES = ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'];

/** A kind of package as Homebrew installs it: a folder for each, and where its receipts are in that folder. */
interface Installed {
  tap: string;
  receiptsIn: (folder: string, unused: Remark[]) => Promise<string[]>;
}

const RECEIPT = 'INSTALL_RECEIPT.json';

const FORMULAS: Installed = {
  tap: 'homebrew/core',
  receiptsIn: async (folder, unused) =>
    (await foldersIn(folder, unused)).map((version) => join(folder, version, RECEIPT)),
};

const CASKS: Installed = {
  tap: 'homebrew/cask',
  receiptsIn: async (folder) => [join(folder, '.metadata', RECEIPT)],
};

/**
 * Returns the packages that were installed on this machine on request, with stout or Homebrew, but not their dependencies.
 * Looks at `~/.stout/state/installed.toml`, and at the Cellar and the Caskroom of `HOMEBREW_PREFIX` or of the usual prefixes.
 * A file that cannot be read is named in `unused`; its package counts as requested. Throws `usage` when nothing is found.
 */
export async function installedPackages(environment: Environment): Promise<NamedPackages> {
  const home = environment.HOME || homedir();
  const state = join(home, '.stout', 'state', 'installed.toml');
  const { HOMEBREW_PREFIX, HOMEBREW_CELLAR } = environment;
  const prefixes = [...(HOMEBREW_PREFIX ? [HOMEBREW_PREFIX] : PREFIXES), join(home, '.local', 'stout')];
  const cellars = HOMEBREW_CELLAR ? [HOMEBREW_CELLAR] : prefixes.map((prefix) => join(prefix, 'Cellar'));
  const caskrooms = prefixes.map((prefix) => join(prefix, 'Caskroom'));
  const unused: Remark[] = [];
  const formulas = [
    ...(await installedByStout(state, unused)),
    ...(await installedIn(cellars, FORMULAS, unused)),
  ];
  const casks = await installedIn(caskrooms, CASKS, unused);
  if (formulas.length + casks.length + unused.length > 0) {
    return {
      formulas: [...new Set(formulas)].sort(),
      casks: [...new Set(casks)].sort(),
      unused,
      remarks: [],
      lines: new Map(),
    };
  }
  throw new MirrorError('usage', 'No installed packages were found.', {
    expected: [state, ...cellars, ...caskrooms].join(', '),
  });
}

async function installedByStout(path: string, unused: Remark[]): Promise<string[]> {
  const found = await readable(path, unused, (text) =>
    parseValue(stoutSchema, parseToml(text, path).value, path),
  );
  const packages = Object.entries(found?.packages ?? {});
  return packages.flatMap(([name, entry]) => (v.is(notRequestedSchema, entry) ? [] : [name]));
}

async function installedIn(rooms: readonly string[], kind: Installed, unused: Remark[]): Promise<string[]> {
  const names: string[] = [];
  for (const room of rooms) {
    for (const name of await foldersIn(room, unused)) {
      const paths = await kind.receiptsIn(join(room, name), unused);
      const receipts = await Promise.all(paths.map((path) => readReceipt(path, unused)));
      const tap = receipts.find((receipt) => receipt.tap)?.tap ?? kind.tap;
      if (tap !== kind.tap)
        unused.push({ name, reason: `it comes from ${tap}, which is not in the upstream` });
      else if (receipts.some(({ requested }) => requested)) names.push(name);
    }
  }
  return names;
}

/** Without a readable receipt a package counts as requested: one too many is better than one too few. */
async function readReceipt(path: string, unused: Remark[]) {
  const receipt = await readable(path, unused, (text) => parseValue(receiptSchema, JSON.parse(text), path));
  return { requested: receipt?.installed_on_request ?? true, tap: receipt?.source?.tap };
}

const foldersIn = async (path: string, unused: Remark[]): Promise<string[]> => {
  const found = await readdir(path, { withFileTypes: true }).catch(unlessAbsent(path, unused));
  return (found ?? [])
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
};

/** Returns what `parse` makes of a file; `undefined` where there is none, or where it is named in `unused` as unreadable. */
const readable = <T>(path: string, unused: Remark[], parse: (text: string) => T): Promise<T | undefined> =>
  readRegular(path)
    .then((bytes) => parse(decodeText(bytes).text))
    .catch(unlessAbsent(path, unused));

/** A pipe or a device could have no end. */
async function readRegular(path: string): Promise<Uint8Array> {
  if (!(await stat(path)).isFile()) {
    throw new MirrorError('bad-input', 'It is not a regular file.', { where: path });
  }
  const file = await openElsewhere(path);
  try {
    return await readUpTo(file, MAX_TEXT, path);
  } finally {
    await file.close();
  }
}

/** One file that cannot be read must not end the run for all the others. */
const unlessAbsent =
  (path: string, unused: Remark[]) =>
  (error: unknown): undefined => {
    if (!isAbsent(error)) unused.push({ name: path, reason: `it cannot be read: ${messageOf(error)}` });
  };
