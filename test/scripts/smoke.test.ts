import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { blobName } from '../../format/layout.ts';
import { makeMirror } from '../support/mirror.ts';
import { type Ended, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/smoke.ts', import.meta.url));
const TOKEN = 'correct-horse-battery';
const directory = join(await temporaryFolder(), 'mirror');
await makeMirror(directory);

const smoke = (args: string[]): Promise<Ended> => runProgram(process.execPath, [SCRIPT, ...args]);

/** The state of each check by its name. */
const statesOf = ({ stdout }: Ended): Record<string, string | undefined> =>
  Object.fromEntries(
    [...stdout.matchAll(/^(passed|noted|FAILED) +(.{19}) /gm)].map(([, state, name = '']) => [
      name.trim(),
      state,
    ]),
  );

describe('npm run smoke', () => {
  let worker: TestWorker;
  let hidden: TestWorker;
  beforeAll(async () => {
    [worker, hidden] = await Promise.all([startTestWorker(), startTestWorker({ MIRROR_TOKEN: TOKEN })]);
    await Promise.all([worker.publish(directory), hidden.publish(directory)]);
  });
  afterAll(() => Promise.all([worker.close(), hidden.close()]));

  test('when a mirror is whole, every check passes or notes why it cannot run here', async () => {
    const ended = await smoke([worker.origin]);
    const { token, 'Workers Cache': cache, 'SHA-256 in storage': recorded, ...rest } = statesOf(ended);
    expect([token, cache, recorded], ended.stdout).toEqual(['noted', 'noted', 'noted']);
    expect(new Set(Object.values(rest)), ended.stdout).toEqual(new Set(['passed']));
    expect(ended.stdout).toMatch(/\n12 passed, 3 noted, 0 failed\n$/);
    expect(Math.max(...ended.stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(ended.status).toBe(0);
  });

  test('when a mirror is private, it is checked with its token; without one nothing passes', {
    tags: 'long',
  }, async () => {
    const ended = await smoke([hidden.origin.replace('://', `://ci:${TOKEN}@`)]);
    expect(statesOf(ended), ended.stdout).toMatchObject({ token: 'passed', 'package URLs': 'passed' });
    expect(ended.status).toBe(0);
    const without = await smoke([hidden.origin]);
    expect(statesOf(without)).toMatchObject({ health: 'passed', token: 'FAILED', 'whole file': 'FAILED' });
    expect(without.stdout).toContain('this mirror is private: ask with');
    expect(without.stdout).toContain('/bottles/ answered 401');
    expect(without.status).toBe(1);
  });

  test('when a file is damaged, the check fails and names it', { tags: 'long' }, async () => {
    const { entries = [] } = (await readContents(directory)) ?? {};
    const entry =
      entries.find(({ name }) => name === 'bottles/jq-1.7.1.sonoma.bottle.tar.gz') ?? expect.unreachable();
    const damaged = await startTestWorker();
    await damaged.publish(directory);
    await damaged.binding.put(blobName(entry.sha256), new Uint8Array(entry.size ?? 0));
    const ended = await smoke([damaged.origin]);
    await damaged.close();
    expect(statesOf(ended)).toMatchObject({ verification: 'FAILED', health: 'passed' });
    expect(ended.stdout).toContain(entry.name);
    expect(ended.status).toBe(1);
  });

  test('when nobody answers, or no address is given, it says so', async () => {
    const ended = await smoke(['http://127.0.0.1:9']);
    expect([statesOf(ended), ended.status]).toEqual([{ health: 'FAILED' }, 1]);
    expect(ended.stdout).toContain('no answer: ');
    for (const args of [[], ['mirror.example.com/path']]) expect((await smoke(args)).status).toBe(2);
  });
});
