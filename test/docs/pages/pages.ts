import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

const paths = await Array.fromAsync(glob(['*.md', 'docs/**/*.md'], { cwd: PROJECT }));

/** The project's pages: README.md and its neighbours, and docs/. */
export const pages = await Promise.all(
  paths.sort().map(async (path) => ({ path, text: await readFile(join(PROJECT, path), 'utf8') })),
);
