import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const FOLDER = 'pages';
const PARTS = {
  STYLE: 'style.css',
  FRONT_SCRIPT: 'front.ts',
  FOLDER_SCRIPT: 'folder.ts',
  VERIFY_SCRIPT: 'verify.ts',
  COPY_SCRIPT: 'copy-buttons.ts',
};

/**
 * Bundles the style and the scripts of pages, each with the hash that a Content-Security-Policy names it by, into the
 * module `pages/built.ts` of `project`. Leaves a module that is up to date as it is.
 */
export async function buildPages(project: string): Promise<void> {
  const parts = Object.entries(PARTS).map(async ([name, file]) => {
    const text = await bundle(project, join(FOLDER, 'browser', file));
    const hash = `sha256-${createHash('sha256').update(text).digest('base64')}`;
    return `export const ${name} = ${JSON.stringify({ text, hash })};\n`;
  });
  const module = `// Made by npm run build:pages from what is in browser/.\n${(await Promise.all(parts)).join('')}`;
  const path = join(project, FOLDER, 'built.ts');
  if (module !== (await readFile(path, 'utf8').catch(() => ''))) await writeFile(path, module);
}

async function bundle(project: string, entry: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: project,
    entryPoints: [entry],
    bundle: true,
    // Every page carries its style and script, and is at most 60 kB.
    minify: true,
    format: 'iife',
    target: 'es2024',
    write: false,
  });
  return outputFiles.map(({ text }) => text).join('');
}
