import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { fetchedKey } from '../../format/layout.ts';
import { type DemandFile, demandMirror, having } from '../support/demand-mirror.ts';
import { SEED, settle } from '../support/faults/results.ts';
import { FETCHING_RUNTIMES, startFetchingWorker } from '../support/fetching-runtimes.ts';
import { Random } from '../support/random.ts';
import { writeMirror } from '../support/runtimes.ts';
import { type SourceServer, startSource } from '../support/source-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ROUNDS = Number(process.env.KILLS ?? 100);
/** Longer than a source that failed is left alone. */
const SOME_SECONDS = 11_000;
const MEGABYTE = 1_000_000;
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Returns what is wrong with an answer: whole and with a status of success, it must be the file. */
async function complaintOf(origin: string, { path, sha256 }: DemandFile): Promise<string[]> {
  try {
    const answer = await fetch(`${origin}/${path}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return answer.ok && sha256Of(bytes) !== sha256
      ? [`${path}: other bytes were sent as ${answer.status}`]
      : [];
  } catch {
    // The connection ended with the server.
    return [];
  }
}

/** Sends a file in pieces, over some 100 ms; breaks off at one of them if asked to. */
async function sendSlowly(response: ServerResponse, bytes: Buffer, pieces: number): Promise<void> {
  response.writeHead(200, { 'content-length': bytes.length });
  const size = Math.ceil(bytes.length / 10);
  for (let piece = 0; piece < 10; piece++) {
    if (piece === pieces) return void response.destroy();
    response.write(bytes.subarray(piece * size, (piece + 1) * size));
    await pause(10);
  }
  response.end();
}

/** A source that is slow, and cuts every file for which `cuts` has the number of pieces until then. */
async function slowSource(files: readonly DemandFile[], cuts: Map<string, number>): Promise<SourceServer> {
  const source = await startSource();
  onTestFinished(() => source.close());
  source.answer = ({ url = '' }, response) => {
    const file = files.find(({ sourcePath }) => sourcePath === url);
    if (file) void sendSlowly(response, file.bytes, cuts.get(url) ?? 10);
  };
  return source;
}

test(`${ROUNDS} moments at which the Worker restarts, its storage fails or its source breaks off`, async () => {
  const { mirror, bottles } = demandMirror(ROUNDS);
  const random = new Random(SEED);
  const cuts = new Map<string, number>();
  const source = await slowSource(bottles, cuts);
  const worker = await startFetchingWorker(mirror, source.origin);
  onTestFinished(() => worker.close());
  let { origin } = worker;
  const lost: string[] = [];
  for (const file of bottles) {
    const fault = random.pick(['restart', 'refuse', 'cut', 'source'] as const);
    if (fault === 'source') cuts.set(file.sourcePath, random.below(10));
    const asked = [1, 2, 3].map(() => complaintOf(origin, file));
    await pause(random.below(150));
    if (fault === 'restart') origin = await worker.restart();
    else if (fault !== 'source') await worker.fail(fault);
    lost.push(...(await Promise.all(asked)).flat());
    if (fault === 'refuse' || fault === 'cut') await worker.fail('none');
  }
  for (const sha256 of await worker.kept()) {
    if (sha256Of(await worker.read(sha256)) !== sha256) lost.push(`fetched/${sha256} has other bytes`);
  }
  cuts.clear();
  await pause(SOME_SECONDS);
  lost.push(...(await missing(origin, bottles)));
  settle({ family: 'the edge fetches, and something ends it', tried: ROUNDS, lost });
});

/** Returns the files that are not served whole, now that nothing is in the way. */
async function missing(origin: string, files: readonly DemandFile[]): Promise<string[]> {
  const lost: string[] = [];
  for (const { path, sha256 } of files) {
    const answer = await fetch(`${origin}/${path}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (sha256Of(bytes) !== sha256) lost.push(`${path} is not served any more: ${answer.status}`);
  }
  return lost;
}

test(`${ROUNDS} kills of serve while it fetches`, async () => {
  const folder = await temporaryFolder();
  const [directory, cache] = [join(folder, 'mirror'), join(folder, 'cache')];
  const { mirror, bottles } = demandMirror(ROUNDS);
  await writeMirror(directory, mirror);
  const random = new Random(SEED);
  const source = await slowSource(bottles, new Map());
  const lost: string[] = [];
  for (const file of bottles) {
    const { child, origin } = await startChild(directory, cache, source.origin);
    const asked = [1, 2, 3].map(() => complaintOf(origin, file));
    await pause(random.below(200));
    child.kill('SIGKILL');
    lost.push(...(await Promise.all(asked)).flat());
  }
  const place = join(cache, fetchedKey(''));
  const names = await readdir(place);
  for (const name of names.filter((name) => !name.endsWith('.part'))) {
    if (sha256Of(await readFile(join(place, name))) !== name) lost.push(`${name} has other bytes`);
  }
  const { child, origin } = await startChild(directory, cache, source.origin);
  lost.push(...(await missing(origin, bottles)));
  child.kill('SIGKILL');
  const parts = names.filter((name) => name.endsWith('.part')).length;
  settle({
    family: 'kill -9 of serve while it fetches',
    tried: ROUNDS,
    lost,
    note: `${parts} within a file`,
  });
  expect(parts).toBeGreaterThan(0);
});

async function startChild(...args: string[]): Promise<{ child: ChildProcess; origin: string }> {
  const script = join(import.meta.dirname, '../support/serve-fetching-child.ts');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { child, origin: String(line).trim() };
}

test.each(FETCHING_RUNTIMES)('%s: 100 clients want one cold file of 50 MB', async (name, start) => {
  const { mirror, bottles } = demandMirror(2, 50 * MEGABYTE);
  const [first, second] = bottles as [DemandFile, DemandFile];
  const source = await startSource();
  source.answer = having(bottles);
  const server = await start(mirror, source.origin);
  onTestFinished(async () => {
    await server.close();
    source.close();
  });
  const seconds = async (url: string): Promise<number> => {
    const began = performance.now();
    for await (const _ of (await fetch(url)).body ?? []);
    return (performance.now() - began) / 1000;
  };
  const cold = await seconds(`${server.origin}/${first.path}`);
  const warm = await seconds(`${server.origin}/${first.path}`);
  const transfer = await seconds(`${source.origin}${first.sourcePath}`);
  source.asked = [];
  const complaints = await Promise.all(Array.from({ length: 100 }, () => complaintOf(server.origin, second)));
  settle({
    family: `100 clients, one cold file of 50 MB: ${name}`,
    tried: 100,
    lost: [...complaints.flat(), ...(source.asked.length === 1 ? [] : [`${source.asked.length} requests`])],
    note: `alone: cold ${cold.toFixed(2)} s, warm ${warm.toFixed(2)} s, source ${transfer.toFixed(2)} s`,
  });
});

test('20 fetches of 20 MB at once stay within an isolate’s memory', async () => {
  const { mirror, bottles } = demandMirror(20, 20 * MEGABYTE);
  const source = await startSource();
  source.answer = having(bottles);
  const worker = await startFetchingWorker(mirror, source.origin);
  onTestFinished(async () => {
    await worker.close();
    source.close();
  });
  const mostHeld = await worker.watchMemory();
  const complaints = await Promise.all(bottles.map((file) => complaintOf(worker.origin, file)));
  const most = Math.ceil(mostHeld() / MEGABYTE);
  settle({
    family: '20 fetches of 20 MB at once at the edge',
    tried: 20,
    // Less than one of the files: none is held.
    lost: [...complaints.flat(), ...(most > 0 && most < 20 ? [] : [`the isolate held ${most} MB`])],
    note: `the isolate held at most ${most} MB; ${source.most} at once`,
  });
});

test.each(FETCHING_RUNTIMES)(
  '%s: a source that is silent, or sends a byte a second, comes to an end',
  async (name, start) => {
    const { mirror, bottles } = demandMirror(3, 10_000);
    const source = await startSource();
    const timers = new Set<ReturnType<typeof setInterval>>();
    source.answer = ({ url }, response) => {
      if (url === bottles[0]?.sourcePath) return;
      response.writeHead(200, { 'content-length': 10_000 });
      response.write('x');
      if (url === bottles[1]?.sourcePath) timers.add(setInterval(() => response.write('x'), 1000));
    };
    const server = await start(mirror, source.origin);
    onTestFinished(async () => {
      for (const timer of timers) clearInterval(timer);
      await server.close();
      source.close();
    });
    const began = performance.now();
    const answers = await Promise.all(bottles.map(({ path }) => fetch(`${server.origin}/${path}`)));
    const seconds = (performance.now() - began) / 1000;
    const lost = answers.filter(({ status }) => status !== 503).map(({ status }) => `status ${status}`);
    if (seconds > 30) lost.push(`it took ${seconds} s`);
    await expect.poll(() => server.kept()).toEqual([]);
    settle({ family: `sources without an end: ${name}`, tried: 3, lost, note: `${seconds.toFixed(0)} s` });
  },
);
