import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Long runs, outside of `npm test`: two at a time, with as much time as they take. */
export default defineConfig({
  test: {
    include: ['test/**/*.soak.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/support/faults/soak-setup.ts'],
    testTimeout: 900_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url)) },
  },
});
