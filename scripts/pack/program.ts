import { copyFile, glob, rm, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { build } from 'esbuild';
import { generate } from './generate.ts';
import { licensesOf } from './licenses.ts';

/**
 * Builds the command line of `project` into a folder as plain JavaScript, with the libraries that it uses and their
 * licences. They are bundled rather than installed beside it because it then starts faster, installs without a registry
 * (an air gap, a container), and what runs is what the lockfile named and the tests saw. It is not minified: whoever signs
 * with a program should be able to read it.
 */
export async function buildProgram(project: string, outdir: string): Promise<void> {
  await generate(project);
  // A thread is started by the address of its file, which therefore must exist.
  const threads = await Array.fromAsync(glob('builder/**/*-thread.ts', { cwd: project }));
  // The pool of threads looks for its own half at this place.
  const poolThread = { in: 'node_modules/tinypool/dist/entry/worker.js', out: 'entry/worker' };
  await rm(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: project,
    // All in one folder, as deep as builder/: builder/version.ts finds package.json above it from either.
    entryPoints: [
      ...['builder/cli/main.ts', ...threads].map((path) => ({ in: path, out: parse(path).name })),
      poolThread,
    ],
    outdir,
    bundle: true,
    // Each verb's `await import` stays a file of its own, loaded when that verb runs.
    splitting: true,
    // The library for bills of materials asks for it to write XML, which nothing here does.
    external: ['xmlbuilder2'],
    format: 'esm',
    platform: 'node',
    target: 'node24',
    metafile: true,
    // Some libraries are CommonJS and ask for Node's modules with `require`.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
    },
  });
  // The parser of Ruby, which builder/request/ruby.ts reads from beside itself.
  await copyFile(join(project, 'node_modules/@ruby/prism/src/prism.wasm'), join(outdir, 'prism.wasm'));
  const licenses = await licensesOf(project, Object.keys(metafile.inputs));
  await writeFile(join(outdir, 'THIRD-PARTY-LICENSES.txt'), licenses);
}
