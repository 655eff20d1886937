import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { useMemoryFolder } from './test/support/memory-folder.ts';
import { TAGS } from './test/support/tags.ts';

/** Long runs, outside `npm test`: two at a time, for as long as they take. */
const folder = useMemoryFolder();

export default defineConfig({
  cacheDir: join(folder, 'vite'),
  test: {
    fsModuleCachePath: join(folder, 'modules'),
    include: ['test/**/*.soak.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/support/faults/soak-setup.ts'],
    tags: TAGS,
    testTimeout: 900_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
