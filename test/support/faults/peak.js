// Loaded into a program before its own code: keeps the most memory that it held, in kilobytes, when it ends.
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

// The usual figure (ru_maxrss) begins with what the parent held when it forked.
const peak = () => /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];

if (isMainThread) process.on('exit', () => writeFileSync(process.env.PEAK_FILE, peak()));
