import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { buildProgram } from '../../scripts/pack/program.ts';
import { bundleWorker } from '../../scripts/pack/worker.ts';
import { writeSampleUpstream } from '../../scripts/sample/write.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of a sample upstream; tests only read it. */
    upstream: string;
    /** The packed command line's entry. */
    program: string;
    /** The Worker as one JavaScript file. */
    workerBundle: string;
  }
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Makes once what many tests read: the sample upstream and the bundled Worker. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-test-'));
  const upstream = join(folder, 'upstream');
  await writeSampleUpstream(upstream, { now: new Date('2026-11-01T00:00:00Z') });
  const workerBundle = join(folder, 'worker.mjs');
  await bundleWorker(PROJECT, workerBundle);
  const program = join(folder, 'program', 'dist', 'main.js');
  await buildProgram(PROJECT, dirname(program));
  await copyFile(join(PROJECT, 'package.json'), join(dirname(program), '..', 'package.json'));
  project.provide('upstream', upstream);
  project.provide('program', program);
  project.provide('workerBundle', workerBundle);
  return () => rm(folder, { recursive: true, force: true });
}
