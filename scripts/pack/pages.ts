import { createHash } from 'node:crypto';
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

/** Returns a module with the style and the scripts of pages, each with the hash that a Content-Security-Policy names it by. */
export async function pagesModule(project: string): Promise<string> {
  const parts = Object.entries(PARTS).map(async ([name, file]) => {
    const text = await bundle(project, join(FOLDER, 'browser', file));
    const hash = `sha256-${createHash('sha256').update(text).digest('base64')}`;
    return `export const ${name} = ${JSON.stringify({ text, hash })};\n`;
  });
  return (await Promise.all(parts)).join('');
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
