import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from './support/programs.ts';
import { temporaryFolder } from './support/temporary.ts';

const BIOME = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
/** Each is an import or a global that points outward, by the file that has it. */
const OUTWARD: Readonly<Record<string, string>> = {
  'format/files.ts': "import { open } from 'node:fs/promises';\nexport const wrong = open;",
  'format/app.ts': "import { createApp } from '../worker/app.ts';\nexport const wrong = createApp;",
  'format/keys.ts': "import { signingKey } from '../builder/keys.ts';\nexport const wrong = signingKey;",
  'format/global.ts': "export const wrong = Buffer.from('');",
  'pages/worker.ts': "import { createApp } from '../worker/app.ts';\nexport const wrong = createApp;",
  'worker/files.ts': "import { open } from 'node:fs/promises';\nexport const wrong = open;",
  'worker/http/keys.ts':
    "import { signingKey } from '../../builder/keys.ts';\nexport const wrong = signingKey;",
  'builder/app.ts': "import { createApp } from '../worker/app.ts';\nexport const wrong = createApp;",
  'builder/cli/app.ts': "export const wrong = import('../../worker/app.ts');",
};

test('when a file reaches outward, the linter refuses it', async () => {
  const folder = await temporaryFolder();
  for (const file of ['biome.json', '.gitignore']) await copyFile(file, join(folder, file));
  for (const [path, source] of Object.entries(OUTWARD)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), `${source}\n`);
  }
  const args = [BIOME, 'lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const { status, stdout } = await runProgram(process.execPath, args, {}, folder);
  const { diagnostics } = JSON.parse(stdout) as Report;
  const refused = diagnostics
    .filter(({ category }) => /noRestricted(Imports|Globals)$/.test(category))
    .map(({ location }) => location.path);
  expect([status, refused.sort()]).toEqual([1, Object.keys(OUTWARD).sort()]);
});

interface Report {
  diagnostics: { category: string; location: { path: string } }[];
}
