import type { Moment } from '../moment.ts';
import type { Tree } from '../tree.ts';
import { caskHash, caskStruct, type SampleCask } from './casks.ts';
import { formulaStruct, headOnlyStruct, RELEASES, type SampleFormula } from './formulas.ts';
import { writeImages } from './images.ts';
import { SAMPLE_KEY, signJws } from './jws.ts';
import { formulaHash } from './older-formulas.ts';

/** The platforms for which Homebrew generates a file. */
const TAGS: readonly string[] = [
  // No Mac with Apple silicon runs catalina.
  ...RELEASES.flatMap((release) => (release === 'catalina' ? [release] : [release, `arm64_${release}`])),
  ...['x86_64_linux', 'arm64_linux'],
];

/** Where the public half of the key is with which the sample signs its API. */
export const SAMPLE_KEY_FILE = 'homebrew-test-key.pub.pem';

/** Packages that went to another tap, or became a package of the other kind. */
const FORMULA_MIGRATIONS = { 'google-chrome': 'homebrew/cask', terraform: 'hashicorp/tap' };
const CASK_MIGRATIONS = { 'youtube-dl': 'homebrew/core', 'hex-fiend-beta': 'homebrew/cask/iterm2' };
const COMMIT = '0'.repeat(40);

/** Writes Homebrew's side of the sample: its signed API below `api/`, image indexes below `v2/`, and the test key. */
export async function writeHomebrew(
  tree: Tree,
  formulas: readonly SampleFormula[],
  casks: readonly SampleCask[],
  { unixSeconds }: Moment,
): Promise<void> {
  const write = (endpoint: string, payload: object): Promise<void> =>
    tree.write(`api/${endpoint}`, signJws(JSON.stringify(payload)));
  await writeImages(tree, formulas);
  for (const tag of TAGS) {
    await write(`internal/packages.${tag}.jws.json`, {
      metadata: { homebrew_version: '6.0.18', bottle_tag: tag, generated_at: unixSeconds },
      formulae: {
        ...Object.fromEntries(formulas.map((item) => [item.formula.name, formulaStruct(item, tag)])),
        'head-only': headOnlyStruct(),
      },
      casks: Object.fromEntries(casks.map((item) => [item.cask.token, caskStruct(item, tag)])),
      formula_aliases: namesBy(formulas.map(({ formula }) => [formula.name, formula.aliases])),
      formula_renames: namesBy(formulas.map(({ formula }) => [formula.name, formula.oldnames])),
      cask_renames: namesBy(casks.map(({ cask }) => [cask.token, cask.old_tokens])),
      formula_tap_git_head: COMMIT,
      cask_tap_git_head: COMMIT,
      formula_tap_migrations: FORMULA_MIGRATIONS,
      cask_tap_migrations: CASK_MIGRATIONS,
    });
  }
  await write('formula.jws.json', formulas.map(formulaHash));
  await write(
    'cask.jws.json',
    casks.map((item) => caskHash(item, TAGS)),
  );
  await write('formula_tap_migrations.jws.json', FORMULA_MIGRATIONS);
  await write('cask_tap_migrations.jws.json', CASK_MIGRATIONS);
  await tree.write(SAMPLE_KEY_FILE, SAMPLE_KEY);
}

/** The name of a package by each of its other names. */
const namesBy = (packages: readonly (readonly [string, readonly string[]])[]): Record<string, string> =>
  Object.fromEntries(packages.flatMap(([name, others]) => others.map((other) => [other, name])));
