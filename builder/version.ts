import { readFileSync } from 'node:fs';
import { FORMAT, type Generator } from '../format/snapshot/root.ts';

export const NAME = 'stout-mirror';

/** The version in package.json. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;

/** How this program names itself in what it writes. */
export const GENERATOR: Generator = { name: NAME, version: VERSION, format: FORMAT };
