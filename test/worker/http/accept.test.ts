import { expect, test } from 'vitest';
import { preferredFormat } from '../../../worker/http/accept.ts';
import { cpuTime } from '../../support/cpu-time.ts';

test.each([
  [null, undefined],
  ['', undefined],
  ['*/*', undefined],
  ['text/*', undefined],
  ['image/png', undefined],
  ['text/html', 'html'],
  ['TEXT/HTML', 'html'],
  ['text/html;charset=utf-8', 'html'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
  ['application/json', 'json'],
  ['application/problem+json', 'json'],
  ['application/json;q=0.5, text/html;q=0.9', 'html'],
  ['text/html;q=0.5, application/json', 'json'],
  ['text/html;q=0', undefined],
  ['text/html;q=0, application/json;q=0.1', 'json'],
  ['text/plain, text/html', 'text'],
  [',,;q=,', undefined],
  [', text/html', 'html'],
  [',,\t,text/plain;q=0.5 ,, application/json,', 'json'],
  ['__proto__', undefined],
])('when Accept is %j, the format is %s (RFC 9110 section 12.5.1)', (accept, expected) => {
  expect(preferredFormat(accept)).toBe(expected);
});

test('when the field is long and malformed, it is read without delay', async () => {
  const read = () => {
    preferredFormat(';;,"\\"'.repeat(20_000));
    preferredFormat(`${'text/html;q='.repeat(10_000)}`);
  };
  expect(await cpuTime(read)).toBeLessThan(1000);
});
