import { glob, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { licensesOf } from './pack/licenses.ts';

/**
 * Builds `dist/`, which `npm pack` puts into the package: the command line as plain JavaScript, with the libraries that it
 * uses. They are bundled rather than installed beside it because it then starts faster, installs without a registry (an
 * air gap, a container), and what runs is what the lockfile named and the tests saw. It is not minified: whoever signs
 * with a program should be able to read it.
 */
const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(PROJECT, 'dist');

// What runs as a thread is started by the address of its file, which therefore must exist.
const threads = await Array.fromAsync(glob('builder/**/*-thread.ts', { cwd: PROJECT }));

await rm(DIST, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: PROJECT,
  entryPoints: ['builder/cli/main.ts', ...threads],
  // All in one folder, as deep as builder/: builder/version.ts finds package.json above it from either.
  outdir: DIST,
  entryNames: '[name]',
  bundle: true,
  // Each verb's `await import` stays a file of its own, loaded when that verb runs.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  metafile: true,
  // Some libraries are CommonJS and ask for Node's modules with `require`.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
  },
});
await writeFile(
  join(DIST, 'THIRD-PARTY-LICENSES.txt'),
  await licensesOf(PROJECT, Object.keys(metafile.inputs)),
);
