import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveDirectory } from '../../builder/serve.ts';
import { utf8 } from '../../format/bytes.ts';
import type { RequestRecord } from '../../worker/request-log.ts';
import { blobEntryOf, DAY, signMirror } from '../format/support.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { RUNTIMES, type Running, writeMirror } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BOTTLE = '/bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const OLD_PATH = 'bottles/old-1.0.all.bottle.tar.gz';
const OLD = utf8('what an older index names');
const ago = (days: number): Date => new Date(Date.now() - days * DAY * 1000);

const superseded = blobEntryOf(OLD_PATH, OLD, Math.floor(Date.now() / 1000) + DAY);
/** Its snapshot has expired, and one of its bottles was dropped lately. */
const MIRROR = signMirror({ now: ago(40), validFor: 30 * DAY, entries: [superseded] });
MIRROR.files.set(OLD_PATH, OLD);

describe.each(RUNTIMES)('%s, after the snapshot has expired', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR);
  });
  afterAll(() => running.close());

  test('when a file is served all the same, it says so, and no shared cache may keep the warning with it', async () => {
    for (const path of [BOTTLE, `/${superseded.name}/old.tar.gz`, '/', '/bottles/', '/config/stout.toml']) {
      const answer = await send(running.origin, path);
      expect([answer.status, answer.headers['mirror-warning']], path).toEqual([
        200,
        expect.stringContaining('expired'),
      ]);
      expect(answer.headers['cache-control'], path).toMatch(/^private, no-cache/);
    }
    const { status } = await send(running.origin, '/api/v1/health');
    expect(status).toBe(503);
  });

  test('when an older index names a bottle that is gone from the new one, its content address still delivers', async () => {
    const answer = await send(running.origin, `/${superseded.name}/old-1.0.all.bottle.tar.gz`);
    expect([answer.status, answer.body]).toEqual([200, Buffer.from(OLD)]);
    expect((await send(running.origin, `/${OLD_PATH}`)).status).toBe(404);
  });
});

describe('the log', () => {
  test('when requests were answered, each has a log line, without any secret', async () => {
    const directory = join(await temporaryFolder(), 'mirror');
    const mirror = signMirror({ now: new Date() });
    await writeMirror(directory, {
      ...mirror,
      files: new Map([...mirror.files].filter(([path]) => path !== BOTTLE.slice(1))),
    });
    const records: RequestRecord[] = [];
    const server = await serveDirectory({
      ...{ directory, host: '127.0.0.1', port: 0, clock: () => new Date(), mirrorToken: 'secret-token' },
      trusted: [TEST_KEY.publicKey],
      log: (record) => records.push(record),
    });
    const headers = { authorization: 'Bearer secret-token' };
    const answers = [
      await send(server.origin, '/manifest.json?raw=1', { headers }),
      await send(server.origin, BOTTLE, { headers, method: 'HEAD' }),
      await send(server.origin, '/%ff', { headers }),
      await send(server.origin, '/manifest.json'),
      await send(server.origin, '/manifest.json', { method: 'POST' }),
    ];
    await server.close();
    const { version } = mirror.snapshot;
    expect(records).toMatchObject([
      { method: 'GET', path: '/manifest.json?raw=1', status: 200, snapshot: version },
      {
        method: 'HEAD',
        path: BOTTLE,
        status: 424,
        code: 'missing',
        where: BOTTLE.slice(1),
        snapshot: version,
      },
      { path: '/%ff', status: 400, code: 'bad-input' },
      { status: 401, code: 'unauthorized' },
      { method: 'POST', status: 405 },
    ]);
    expect(records[0]?.bytes).toBe(answers[0]?.body.length);
    expect(records.map(({ request_id }) => request_id)).toEqual(
      answers.map((answer) => answer.headers['x-request-id']),
    );
    expect(records.every(({ ms }) => Number.isFinite(ms) && ms >= 0)).toBe(true);
    expect(JSON.stringify(records)).not.toContain('secret');
    expect(records.filter((record) => record.stack !== undefined)).toEqual([]);
  });
});
