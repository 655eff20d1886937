import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { useMemoryFolder } from './test/support/memory-folder.ts';
import { TAGS } from './test/support/tags.ts';

/** Pure functions and the app on stores in memory: neither files, sockets nor processes. */
const UNIT = [
  'test/format/!(minisign-interop).test.ts',
  'test/fuzz/*.test.ts',
  'test/cli/terminal.test.ts',
  'test/builder/{http-policy,http-retry,plan,platforms,policy,retention}.test.ts',
  'test/builder/homebrew/jws.test.ts',
  'test/worker/{http,live-snapshot,pages,verification}/*.test.ts',
  'test/worker/{described-packages,faulty-storage,lying-records,mirror-id,on-demand,one-judgement,openapi,problem,record-table,respond,rewrite-base}.test.ts',
  'test/worker/{runtime-crypto,settings,shared-work,stored-snapshot,superseded}.test.ts',
];
/** The documents' commands, and the second implementation of the format. */
const DOCS = ['test/docs/**/*.test.ts'];
/** Processes: the packed program, scripts, other people's programs. */
const E2E = ['test/{e2e,package,scripts}/**/*.test.ts'];

const project = (
  name: string,
  include: string[],
  exclude: string[] = [],
): TestProjectInlineConfiguration => ({
  test: { name, include, exclude, isolate: false, testTimeout: 120_000, hookTimeout: 120_000 },
});

const folder = useMemoryFolder();

export default defineConfig({
  // Nothing is written into the source tree.
  cacheDir: join(folder, 'vite'),
  test: {
    fsModuleCachePath: join(folder, 'modules'),
    globalSetup: ['test/support/global-setup.ts'],
    maxWorkers: 2,
    tags: TAGS,
    projects: [
      project('unit', UNIT),
      // workerd, SQLite, files, HTTP: all in the process of the test.
      project('integration', ['test/**/*.test.ts'], [...UNIT, ...E2E, ...DOCS]),
      project('e2e', E2E),
      project('docs', DOCS),
    ],
  },
});
