import { readFileSync } from 'node:fs';

export const NAME = 'stout-mirror';

/** The version in package.json. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;
