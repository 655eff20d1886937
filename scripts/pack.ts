import { fileURLToPath } from 'node:url';
import { buildProgram } from './pack/program.ts';

// Runs before `npm pack`, which puts dist/ into the package.
const PROJECT = fileURLToPath(new URL('..', import.meta.url));
await buildProgram(PROJECT, `${PROJECT}dist`);
