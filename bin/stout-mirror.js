#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that an old one is told what it lacks instead of failing on syntax.
import { existsSync } from 'node:fs';
import process from 'node:process';

const NEEDED = 24;
const SOURCE = new URL('../builder/cli/main.ts', import.meta.url);
const PACKED = new URL('../dist/main.js', import.meta.url);

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(`stout-mirror: Node ${NEEDED} or newer is needed; this is ${process.version}.\n`);
  process.exitCode = 1;
} else {
  // A checkout runs its source, never what was built from an earlier state of it; the packed package has no source.
  await import(existsSync(SOURCE) ? SOURCE : PACKED);
}
