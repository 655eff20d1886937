import { expect, test } from 'vitest';
import { MirrorError } from '../../format/errors.ts';
import { isFault, problemResponse } from '../../worker/problem.ts';

const ask = (accept: string): Request => new Request('https://mirror.example/x', { headers: { accept } });

test.each(['text/html', 'text/plain', 'application/json'])(
  'when an error is unexpected, %s says nothing about it but the id of its log line',
  async (accept) => {
    const response = await problemResponse(new TypeError('no secret of /srv/mirror'), ask(accept), 'an-id');
    const text = await response.text();
    expect([response.status, response.headers.get('mirror-error')]).toEqual([500, null]);
    expect(text).not.toMatch(/secret|srv|TypeError/);
    expect(text).toContain('Something went wrong');
    expect(text).toContain('an-id');
  },
);

test.each(['text/html', 'text/plain', 'application/json'])(
  'when a file is not as signed, %s holds what was expected, what was found, and what the operator can do',
  async (accept) => {
    const [expected, found] = ['a'.repeat(64), 'b'.repeat(64)];
    const error = new MirrorError('mismatch', 'jq.tar.gz has other bytes.', { expected, found });
    const text = await (await problemResponse(error, ask(accept), 'an-id')).text();
    for (const part of [error.message, expected, found, '/verify', 'an-id']) expect(text).toContain(part);
  },
);

test('when a mirror is served below a path, hints lead below it', async () => {
  for (const [code, hint] of [
    ['not-found', 'at /at/7/ or by /at/7/api/v1/packages?q='],
    ['missing', 'at /at/7/verify and'],
    ['no-such-path', '/at/7/api/v1/openapi.json'],
  ] as const) {
    const error = new MirrorError(code, 'Nothing.');
    expect(await (await problemResponse(error, ask('text/plain'), 'an-id', {}, '/at/7')).text()).toContain(
      hint,
    );
  }
});

test('when a client wanted only what is here, the operator is not alarmed', () => {
  expect([200, 404, 424, 500, 503, 504].filter(isFault)).toEqual([424, 500, 503]);
});
