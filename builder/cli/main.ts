#!/usr/bin/env node
import { keepHeapSmall } from './small-heap.ts';

/** They hold all packages of a mirror and pass the bytes of all files. `serve` would answer a fifth fewer requests. */
const WITH_SMALL_HEAP: readonly unknown[] = ['create', 'update'];

const args = process.argv.slice(2);
if (WITH_SMALL_HEAP.includes(args[0])) keepHeapSmall();
// Loaded only now, because loading makes the heap grow.
const { explain, runProgram } = await import('./program.ts');
const { processSession } = await import('./session.ts');

const session = processSession();
// From a thread or a stream that nobody waits for: one that cannot start because too many files are open, for example.
process.once('uncaughtException', (error) => process.exit(explain(error, session, false)));
process.exitCode = await runProgram(args, session);
