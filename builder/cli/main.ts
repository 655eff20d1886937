#!/usr/bin/env node
import { explain, runProgram } from './program.ts';
import { processSession } from './session.ts';

const session = processSession();
// From a thread or a stream that nobody waits for: one that cannot start because too many files are open, for example.
process.once('uncaughtException', (error) => process.exit(explain(error, session, false)));
process.exitCode = await runProgram(process.argv.slice(2), session);
