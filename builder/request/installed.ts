import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import * as v from 'valibot';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { parseJson, parseValue } from '../../format/parse.ts';
import { isAbsent } from '../directory/write.ts';
import type { Remark } from '../plan/plan.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const stoutSchema = v.object({
  packages: v.optional(v.record(v.string(), v.object({ requested: v.optional(v.boolean(), true) })), {}),
});
const receiptSchema = v.object({
  installed_on_request: v.optional(v.boolean(), true),
  source: v.optional(v.object({ tap: v.optional(v.nullable(v.string())) })),
});

const PREFIXES = ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'];

/**
 * Returns the packages that were installed on this machine on request, with stout or Homebrew, but not their dependencies.
 * Looks at `~/.stout/state/installed.toml`, and at the Cellar of `HOMEBREW_PREFIX` or of the usual prefixes.
 * Throws `usage` when there are none, or `bad-input`.
 */
export async function installedPackages(
  environment: Environment,
): Promise<{ formulas: string[]; unused: Remark[] }> {
  const home = environment.HOME || homedir();
  const state = join(home, '.stout', 'state', 'installed.toml');
  const { HOMEBREW_PREFIX } = environment;
  const prefixes = [...(HOMEBREW_PREFIX ? [HOMEBREW_PREFIX] : PREFIXES), join(home, '.local', 'stout')];
  const cellars = environment.HOMEBREW_CELLAR
    ? [environment.HOMEBREW_CELLAR]
    : prefixes.map((prefix) => join(prefix, 'Cellar'));
  const names = new Set(await installedByStout(state));
  const unused: Remark[] = [];
  for (const cellar of cellars) {
    for (const { name, tap, requested } of await installedIn(cellar)) {
      if (tap !== undefined && tap !== 'homebrew/core') {
        unused.push({ name, reason: `it comes from ${tap}, which is not in the upstream` });
      } else if (requested) names.add(name);
    }
  }
  if (names.size > 0) return { formulas: [...names].sort(), unused };
  throw new MirrorError('usage', 'No installed packages were found.', {
    expected: [state, ...cellars].join(', '),
  });
}

async function installedByStout(path: string): Promise<string[]> {
  const text = await readOptional(path);
  if (text === undefined) return [];
  const { packages } = parseValue(stoutSchema, tomlOf(text, path), path);
  return Object.keys(packages).filter((name) => packages[name]?.requested);
}

function tomlOf(text: string, where: string): unknown {
  try {
    return parseToml(text);
  } catch (cause) {
    throw new MirrorError('bad-input', `${where} is not TOML: ${messageOf(cause)}`, { where, cause });
  }
}

interface Installed {
  name: string;
  tap: string | undefined;
  requested: boolean;
}

async function installedIn(cellar: string): Promise<Installed[]> {
  const found: Installed[] = [];
  for (const name of await foldersIn(cellar)) {
    const versions = await foldersIn(join(cellar, name));
    const receipts = await Promise.all(versions.map((version) => readReceipt(join(cellar, name, version))));
    const [known] = receipts.filter((receipt) => receipt !== undefined);
    if (versions.length === 0) continue;
    // Without a receipt, take it: one package too many is better than one too few.
    found.push({ name, tap: known?.tap, requested: receipts.some((receipt) => receipt?.requested ?? true) });
  }
  return found;
}

async function readReceipt(folder: string): Promise<Omit<Installed, 'name'> | undefined> {
  const path = join(folder, 'INSTALL_RECEIPT.json');
  const text = await readOptional(path);
  if (text === undefined) return undefined;
  const { installed_on_request: requested, source } = parseJson(receiptSchema, Buffer.from(text), path);
  return { requested, tap: source?.tap ?? undefined };
}

const foldersIn = (path: string): Promise<string[]> =>
  readdir(path, { withFileTypes: true }).then(
    (found) =>
      found.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name),
    absent(() => []),
  );

const readOptional = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(absent(() => undefined));

const absent =
  <T>(value: () => T) =>
  (error: unknown): T => {
    if (isAbsent(error)) return value();
    throw error;
  };
