import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { incomingDirectory } from '../../builder/directory/paths.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { startSampleServer } from '../../scripts/sample/server.ts';
import { sha256, writeUpstream } from '../builder/upstream.ts';
import { startHostileServer } from '../support/faults/hostile-server.ts';
import { SEED } from '../support/faults/results.ts';
import { startUnreliableFront } from '../support/faults/unreliable-front.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { MAIN, stoutMirror } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Longer than the part of a download that is kept in memory. */
const BOTTLE = 'the bottle of jq'.repeat(200_000);
const folder = await temporaryFolder();
const upstream = join(folder, 'upstream');
await mkdir(upstream);
await writeUpstream(upstream, {
  formulas: [{ name: 'jq', bottle: BOTTLE, runtime: ['lib'] }, { name: 'lib' }],
});
const environment = {
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
  XDG_CACHE_HOME: join(folder, 'cache'),
};

const createArgs = (directory: string, origin: string): string[] => [
  ...['create', directory, 'jq', '--platforms', 'arm64_sonoma', '--upstream', origin],
];

/** Of each file that is on its way in, whether some of it is there. */
async function partsIn(directory: string): Promise<boolean[]> {
  const incoming = incomingDirectory(directory);
  const names = (await readdir(incoming).catch(() => [])).filter((name) => name.endsWith('.part'));
  return Promise.all(names.map(async (name) => (await stat(join(incoming, name))).size > 0));
}

test('when create is interrupted, it has kept the lock, it ends with 130, and the next run continues', {
  tags: 'long',
}, async () => {
  const directory = join(folder, 'interrupted');
  const half = BOTTLE.length / 2;
  const ranges: (string | undefined)[] = [];
  const server = await startHostileServer(
    upstream,
    `/bottles/${sha256(BOTTLE)}`,
    ({ request, response, bytes }) => {
      ranges.push(request.headers.range);
      const offset = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-range': `bytes ${offset}-${bytes.length - 1}/${bytes.length}` };
      if (offset > 0) response.writeHead(206, range).end(bytes.subarray(offset));
      // It waits for the rest until it is stopped.
      else response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, half));
    },
  );
  onTestFinished(server.close);
  const args = createArgs(directory, server.origin);
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...environment } });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close');
  while (!(await partsIn(directory)).includes(true)) await new Promise((resolve) => setTimeout(resolve, 20));
  const another = await stoutMirror(args, environment);
  expect([another.status, another.stderr]).toEqual([1, expect.stringContaining(`Process ${child.pid} on `)]);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(stderr).toContain('Stopped. Run the same command again to continue.');
  expect((await stoutMirror(args, environment)).status).toBe(0);
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  expect(await readdir(directory)).not.toContain('.stout-mirror');
});

test(`when requests break off, are lost or meet a busy server, as seed ${SEED} draws, the mirror is still whole`, {
  tags: 'long',
}, async () => {
  const server = await startSampleServer(upstream, { port: 0 });
  const front = await startUnreliableFront(server.origin, new Random(SEED), 40);
  onTestFinished(async () => {
    front.close();
    await server.close();
  });
  const request = { ...REQUEST, packages: ['jq'], casks: [], vulnerabilities: false };
  const summary = await makeMirror(join(folder, 'unreliable'), {
    ...{ request, upstream: front.origin },
  });
  expect(summary.formulas).toBe(2);
  expect(front.troubles.size).toBeGreaterThan(0);
});
