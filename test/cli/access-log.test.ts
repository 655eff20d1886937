import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { logLine } from '../../builder/cli/access-log.ts';
import { askedBy, type Exchange } from '../../builder/exchange.ts';
import { needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ENDED = new Date('2026-03-01T00:00:01.500Z');
const EXCHANGE: Exchange = {
  ...{ method: 'GET', target: '/bottles/jq.tar.gz?a=b', version: '1.1', remoteAddress: '192.0.2.7' },
  ...{ status: 206, bytes: 1234, ms: 2000.26, isWhole: true },
};
const RECORD = { request_id: 'id', method: 'GET', route: '/bottles/*', status: 206, ms: 3, bytes: 5000 };

const common = (changes: Partial<Exchange> = {}): string =>
  logLine('common', { ...EXCHANGE, ...changes }, RECORD, ENDED);

/** Fields as NCSA defined them, which no line break and no quote may be in. */
const COMMON = /^\S+ - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "[ !#-~]*" \d{3} (?:\d+|-)$/;

describe('a line of the common log format', () => {
  test('has the address, when the request came, what it asked and what was sent', () => {
    expect(common()).toBe(
      '192.0.2.7 - - [28/Feb/2026:23:59:59 +0000] "GET /bottles/jq.tar.gz?a=b HTTP/1.1" 206 1234',
    );
    expect(common({ remoteAddress: '2001:db8::1', bytes: 0 })).toMatch(/^2001:db8::1 .* 206 -$/);
  });

  test.each([
    ['a quote', '/a" 200 1', '/a\\x22 200 1'],
    ['a backslash', '/a\\"', '/a\\x5C\\x22'],
    ['a line break', '/a\r\n198.51.100.1 - -', '/a\\x0D\\x0A198.51.100.1 - -'],
    ['a terminal control', '/\u001b[2J\u009b', '/\\x1B[2J\\x9B'],
    ['a byte of UTF-8', '/\u00c3\u00a9', '/\\xC3\\xA9'],
  ])('escapes %s in a path', (_what, target, escaped) => {
    expect(common({ target })).toContain(`"GET ${escaped} HTTP/1.1"`);
    expect(common({ target })).toMatch(COMMON);
  });

  test.each([
    ['/a?b', '/a?b'],
    ['*', '*'],
    ['http://h', '/'],
    ['http://h?x', '/?x'],
    ['HTTPS://user:secret@h:1/a?b', '/a?b'],
    ['http://h//a', '//a'],
  ])('has of the target %s the path %s', (url, path) => {
    const request = { method: 'GET', url, httpVersion: '1.1', socket: {} } as IncomingMessage;
    expect(common(askedBy(request))).toContain(`"GET ${path} HTTP/1.1"`);
  });

  test('of what is no request has none', () => {
    const nothing = { method: undefined, target: undefined, remoteAddress: undefined, status: 400, bytes: 0 };
    expect(common(nothing)).toBe('- - - [28/Feb/2026:23:59:59 +0000] "-" 400 -');
  });

  test('is read by goaccess, whatever the path is', needs('goaccess'), async () => {
    const targets = ['/', '/a" 200 1', '/a\\', "/a'b", '/%22', '/a b', '/\u00e9', '/[x] - "'];
    const lines = targets.map((target) => common({ target, bytes: 10, status: 200 }));
    const file = join(await temporaryFolder(), 'access.log');
    await writeFile(file, `${lines.join('\n')}\n`);
    const args = [file, '--log-format=COMMON', '--no-global-config', '-o', 'json'];
    const { stdout } = await runProgram('goaccess', args);
    const { general } = JSON.parse(stdout);
    expect(general).toMatchObject({ total_requests: lines.length, failed_requests: 0, bandwidth: 80 });
  });
});

describe('a line of JSON', () => {
  test("has the record with what was sent until the last byte, and not the client's address", () => {
    expect(JSON.parse(logLine('json', EXCHANGE, RECORD, ENDED))).toEqual({
      ...RECORD,
      ...{ time: '2026-02-28T23:59:59.499Z', bytes: 1234, total_ms: 2000.3 },
    });
    const cutOff = logLine('json', { ...EXCHANGE, isWhole: false }, RECORD, ENDED);
    expect(JSON.parse(cutOff)).toMatchObject({ cut_off: true });
  });

  test('is one line, and controls no terminal', () => {
    const message = 'a\nb\u0085c\u2028d\u202ee\u001b[2J';
    const line = logLine('json', EXCHANGE, { ...RECORD, message }, ENDED);
    expect(line).toMatch(/^[ -~]*$/);
    expect(JSON.parse(line).message).toBe(message);
  });
});
