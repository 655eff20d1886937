import { defineConfig } from 'vitest/config';

/** Long runs, outside of `npm test`: one after the other, with as much time as they take. */
export default defineConfig({
  test: {
    include: ['test/**/*.soak.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
});
