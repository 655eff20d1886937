import { join } from 'node:path';
import { build } from 'esbuild';
import { generate } from './generate.ts';

/** Bundles the Worker of `project` into one JavaScript file, as wrangler does. */
export async function bundleWorker(project: string, outfile: string): Promise<void> {
  await generate(project);
  await build({
    absWorkingDir: project,
    entryPoints: [join('worker', 'index.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker'],
    external: ['node:*'],
  });
}
