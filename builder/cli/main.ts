#!/usr/bin/env node
import { runProgram } from './program.ts';
import { processSession } from './session.ts';

process.exitCode = await runProgram(process.argv.slice(2), processSession());
