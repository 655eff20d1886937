import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runProgram } from './support/programs.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const BIOME = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');

test.each([
  ['format', "import { open } from 'node:fs/promises';\nexport const wrong = open;"],
  ['format', "import { createApp } from '../worker/app.ts';\nexport const wrong = createApp;"],
  ['format', "import { signingKey } from '../builder/keys.ts';\nexport const wrong = signingKey;"],
  ['format', "export const wrong = Buffer.from('');"],
  ['worker', "import { open } from 'node:fs/promises';\nexport const wrong = open;"],
  ['worker/http', "import { signingKey } from '../../builder/keys.ts';\nexport const wrong = signingKey;"],
  ['builder', "import { createApp } from '../worker/app.ts';\nexport const wrong = createApp;"],
  ['builder/cli', "export const wrong = import('../../worker/app.ts');"],
])('when a file in %s reaches outward (%s), the linter refuses it', async (folder, source) => {
  const path = `${PROJECT}${folder}/wrong-direction.ts`;
  await writeFile(path, `${source}\n`);
  try {
    const { status, stdout, stderr } = await runProgram(process.execPath, [
      BIOME,
      'lint',
      '--colors=off',
      path,
    ]);
    expect([status, stdout + stderr]).toEqual([1, expect.stringMatching(/noRestricted(Imports|Globals)/)]);
  } finally {
    await rm(path);
  }
});
