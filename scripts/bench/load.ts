import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SECONDS = 3;

/** What a server managed under load. */
export interface Throughput {
  requestsPerSecond: number;
  bytesPerSecond: number;
}

/** Asks for one URL over so many connections for a few seconds, with Debian's `wrk`. Throws when answers are errors. */
export async function load(
  url: string,
  connections: number,
  headers: Record<string, string> = {},
): Promise<Throughput> {
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const { stdout } = await run('wrk', [
    '-t',
    '1',
    '-c',
    `${connections}`,
    '-d',
    `${SECONDS}s`,
    ...fields,
    url,
  ]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}: ${stdout}`);
  const [, count = '', seconds = '', read = ''] =
    /(\d+) requests in ([\d.]+)s, ([\d.]+[KMGT]?B) read/.exec(stdout) ?? [];
  return {
    requestsPerSecond: Number(count) / Number(seconds),
    bytesPerSecond: bytesOf(read) / Number(seconds),
  };
}

/** wrk tells amounts in powers of 1024. */
function bytesOf(amount: string): number {
  const [, figure = '', unit = ''] = /^([\d.]+)([KMGT]?)B$/.exec(amount) ?? [];
  return Number(figure) * 1024 ** ' KMGT'.indexOf(unit || ' ');
}
