import type { Row } from './row.ts';
import { app } from './rows/app.ts';
import { coldReads } from './rows/cold-reads.ts';
import { downloads } from './rows/downloads.ts';
import { edgeCpu } from './rows/edge-cpu.ts';
import { edgeVerify } from './rows/edge-verify.ts';
import { fullIndex } from './rows/full-index.ts';
import { growth } from './rows/growth.ts';
import { isolateMemory } from './rows/isolate-memory.ts';
import { million } from './rows/million.ts';
import { peakMemory } from './rows/peak-memory.ts';
import { publishFirst, publishUnchanged } from './rows/publish.ts';
import { serve } from './rows/serve.ts';
import { start } from './rows/start.ts';
import { verifyDirectory } from './rows/verify-directory.ts';
import { worker } from './rows/worker.ts';

/** Every row of the table, in its order. */
export const ROWS: readonly Row[] = [
  verifyDirectory,
  downloads,
  peakMemory,
  fullIndex,
  worker,
  app,
  serve,
  publishUnchanged,
  publishFirst,
  edgeVerify,
  edgeCpu,
  isolateMemory,
  coldReads,
  start,
  growth,
  million,
];
