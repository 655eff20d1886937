import { serveFetching } from './serve-fetching.ts';

// A process to kill: serves a folder and prints its origin.
const [directory = '', cache = '', source = ''] = process.argv.slice(2);
const { origin } = await serveFetching({ directory, cache }, source);
process.stdout.write(`${origin}\n`);
