import { TAGS_IN_USE } from '../../../format/tags.ts';
import type { Moment } from '../moment.ts';
import type { Tree } from '../tree.ts';
import { writeImages } from './images.ts';
import { SAMPLE_KEY, signJws } from './jws.ts';
import {
  caskHash,
  caskStruct,
  formulaHash,
  formulaStruct,
  type SampleCask,
  type SampleFormula,
} from './packages.ts';

/** Where the public half of the key stands with which the sample signs its API. */
export const SAMPLE_KEY_FILE = 'homebrew-test-key.pub.pem';

/** Writes Homebrew's side of the sample: its signed API below `api/`, image indexes below `v2/`, and the test key. */
export async function writeHomebrew(
  tree: Tree,
  formulas: readonly SampleFormula[],
  casks: readonly SampleCask[],
  { unixSeconds }: Moment,
): Promise<void> {
  const write = (endpoint: string, payload: object): Promise<void> =>
    tree.write(`api/${endpoint}`, signJws(JSON.stringify(payload)));
  for (const { formula, bottles } of formulas) await writeImages(tree, formula, bottles);
  for (const tag of TAGS_IN_USE) {
    await write(`internal/packages.${tag}.jws.json`, {
      metadata: { homebrew_version: '6.0.18', bottle_tag: tag, generated_at: unixSeconds },
      formulae: Object.fromEntries(formulas.map((item) => [item.formula.name, formulaStruct(item, tag)])),
      casks: Object.fromEntries(casks.map((item) => [item.cask.token, caskStruct(item, tag)])),
      formula_aliases: aliasesOf(formulas),
      formula_renames: {},
      cask_renames: {},
      formula_tap_git_head: '0'.repeat(40),
      cask_tap_git_head: '0'.repeat(40),
      formula_tap_migrations: {},
      cask_tap_migrations: {},
    });
  }
  await write('formula.jws.json', formulas.map(formulaHash));
  await write('cask.jws.json', casks.map(caskHash));
  await write('formula_tap_migrations.jws.json', {});
  await write('cask_tap_migrations.jws.json', {});
  await tree.write(SAMPLE_KEY_FILE, SAMPLE_KEY);
}

const aliasesOf = (formulas: readonly SampleFormula[]): Record<string, string> =>
  Object.fromEntries(
    formulas.flatMap(({ formula }) => formula.aliases.map((alias) => [alias, formula.name])),
  );
