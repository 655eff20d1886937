import { beforeEach, describe, expect, test, vi } from 'vitest';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import type { Bindings } from '../../worker/index.ts';
import { TEST_KEY } from '../support/keys.ts';
import { expectProblem, type ProblemAnswer, SECURITY } from '../support/problem.ts';
import { startTestWorker } from '../support/worker.ts';

const PATHS = ['/', '/manifest.json', '/verify', '/api/v1/health', '/nothing', '/v2/'];
const ACCEPT = { accept: 'application/json' };

const told = async (response: Response): Promise<ProblemAnswer> => ({
  status: response.status,
  headers: response.headers,
  body: await response.text(),
});

describe('the Worker in workerd with a variable that cannot be read', () => {
  test('answers everything with 503 and what to mend, in the form of every other error, and logs it', async () => {
    const lines: string[] = [];
    const worker = await startTestWorker({ EXPIRED: 'sometimes' }, ({ message }) => void lines.push(message));
    for (const path of PATHS) {
      const answer = await told(await fetch(worker.origin + path, { headers: ACCEPT }));
      expectProblem(answer, 503, 'refused');
      expect(JSON.parse(answer.body)).toMatchObject({
        found: 'sometimes',
        detail: expect.stringContaining('EXPIRED'),
      });
    }
    const head = await fetch(`${worker.origin}/manifest.json`, { method: 'HEAD' });
    expect([head.status, head.headers.get('x-content-type-options')]).toEqual([503, 'nosniff']);
    const preflight = await fetch(worker.origin, { method: 'OPTIONS' });
    expect([preflight.status, Object.fromEntries(preflight.headers)]).toEqual([
      204,
      expect.objectContaining(SECURITY),
    ]);
    const page = await fetch(worker.origin, { headers: { accept: 'text/html' } });
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    // Lines of the log come by another way than answers, and later.
    await vi.waitFor(() => expect(lines).toHaveLength(PATHS.length + 3), 10_000);
    await worker.close();
    const records = lines.map((line) => JSON.parse(line));
    expect(records[0]).toMatchObject({
      status: 503,
      code: 'refused',
      message: expect.stringContaining('EXPIRED'),
    });
  });
});

describe('the Worker', () => {
  const log = vi.spyOn(console, 'error').mockReturnValue(undefined);
  beforeEach(() => {
    vi.resetModules();
    log.mockClear();
  });

  const KEYS = publicKeyLine(TEST_KEY.publicKey);
  test.each<[what: string, bindings: object, named: string]>([
    ['has no bucket', { TRUSTED_KEYS: KEYS }, 'MIRROR'],
    [
      'has a boolean for text',
      { MIRROR: {}, TRUSTED_KEYS: KEYS, ALLOW_UNVERIFIED: true },
      'ALLOW_UNVERIFIED',
    ],
    ['has a number for text', { MIRROR: {}, VERIFY_OPERATIONS: 45 }, 'VERIFY_OPERATIONS'],
    ['has a list of keys', { MIRROR: {}, TRUSTED_KEYS: [KEYS] }, 'TRUSTED_KEYS'],
    ['has half a key', { MIRROR: {}, TRUSTED_KEYS: KEYS.slice(0, 40) }, 'TRUSTED_KEYS'],
    ['has an empty token', { MIRROR: {}, TRUSTED_KEYS: KEYS, MIRROR_TOKEN: '' }, 'MIRROR_TOKEN'],
  ])('when it %s, serves nothing and names the variable', async (_, bindings, named) => {
    const { default: worker } = await import('../../worker/index.ts');
    const context = { waitUntil: () => undefined } as never;
    for (const path of PATHS) {
      const request = new Request(`https://mirror.example${path}`, { headers: ACCEPT });
      const answer = await told(await worker.fetch(request, bindings as Bindings, context));
      expectProblem(answer, 503, 'refused');
      expect(JSON.parse(answer.body).detail).toContain(named);
    }
    expect(log).toHaveBeenCalledTimes(PATHS.length);
  });
});
