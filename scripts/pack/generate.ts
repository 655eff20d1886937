import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pagesModule } from './pages.ts';
import { smallMirrorModule } from './small-mirror.ts';

const MODULES = {
  'pages/built.ts': pagesModule,
  'worker/small-mirror.ts': smallMirrorModule,
};

/** Writes the modules of `project` that are not in git. Leaves those that are up to date as they are. */
export async function generate(project: string): Promise<void> {
  for (const [name, moduleOf] of Object.entries(MODULES)) {
    const path = join(project, name);
    const text = `// Made by npm run generate.\n${await moduleOf(project)}`;
    if (text !== (await readFile(path, 'utf8').catch(() => ''))) await writeFile(path, text);
  }
}
