import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { PRIVATE } from '../../builder/directory/paths.ts';
import { formatSecretKey, type SecretKey } from '../../format/minisign/secret-key.ts';
import { sha256, type TestFormula, writeUpstream } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import type { Ended } from '../support/programs.ts';

/** A name that does not fit into a plain header of tar. */
export const LONG_NAME = `long-${'name'.repeat(30)}`;
export const FORMULAS: TestFormula[] = [
  { name: 'alpha', bottle: 'the bottle of alpha\n'.repeat(7000) },
  { name: 'beta' },
  { name: LONG_NAME },
];
const DAY = 86_400;

/** A mirror, and the command lines outside and inside. */
export class BundleWorld {
  readonly #folder: string;
  readonly mirror: string;
  #users = 0;
  #time = Math.floor(Date.now() / 1000) - DAY;

  constructor(folder: string) {
    this.#folder = folder;
    this.mirror = join(folder, 'mirror');
  }

  at = (...names: string[]): string => join(this.#folder, ...names);

  /** Makes the next version of the mirror, an hour later, of these formulas. */
  make = (formulas: readonly TestFormula[], directory = this.mirror): Promise<Ended> =>
    this.makeWith(formulas, [], directory);

  /** Makes the next version with more options of `create`. */
  async makeWith(
    formulas: readonly TestFormula[],
    options: readonly string[],
    directory = this.mirror,
  ): Promise<Ended> {
    const upstream = this.at('upstream');
    await writeUpstream(upstream, { formulas: [...formulas] });
    const names = formulas.map(({ name }) => name);
    const how = ['--upstream', upstream, '--platforms', 'sonoma', ...options];
    return this.outside('create', directory, ...names, ...how);
  }

  /** Runs a verb outside, an hour later than the last. */
  async outside(...args: string[]): Promise<Ended> {
    this.#time += 3600;
    return this.run(args, 'outside', { SOURCE_DATE_EPOCH: String(this.#time) });
  }

  /** Runs a verb inside, as a user who has accepted nothing before. */
  inside = (...args: string[]): Promise<Ended> => this.run(args, `inside-${++this.#users}`);

  async run(args: string[], where: string, more: Record<string, string> = {}, key: SecretKey = TEST_KEY) {
    return commandLine(args, { ...(await this.environment(where, key)), ...more });
  }

  async environment(where: string, key = TEST_KEY): Promise<Record<string, string>> {
    return {
      MIRROR_SIGNING_KEY: await formatSecretKey(key),
      XDG_CACHE_HOME: this.at('users', where, 'cache'),
      XDG_STATE_HOME: this.at('users', where, 'state'),
    };
  }
}

/** Returns the SHA-256 of every file of a mirror, by path; none without a mirror. */
export async function filesOf(directory: string): Promise<Record<string, string>> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const own = paths.filter((path) => !relative(directory, path).startsWith(PRIVATE)).sort();
  return Object.fromEntries(
    await Promise.all(
      own.map(async (path) => [relative(directory, path), sha256(await readFile(path))] as const),
    ),
  );
}

/** The two blocks of zeros that end an archive. */
export const END = Buffer.alloc(1024);

/** Returns an archive without its end, so that more members can follow. */
export const open = (archive: Buffer): Buffer => archive.subarray(0, archive.length - END.length);
