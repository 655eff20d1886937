import { FORMAT, type Generator } from '../format/snapshot/root.ts';
import { NAME, VERSION } from './version.ts';

/** How this program names itself in the files that it writes. */
export const GENERATOR: Generator = { name: NAME, version: VERSION, format: FORMAT };
