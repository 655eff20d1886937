import { expect, test } from 'vitest';
import { pathnameOf, targetOf } from '../../../worker/http/path.ts';

test.each([
  ['https://mirror.example/', '/'],
  ['https://mirror.example/bottles/a-1.0%2B2.tar.gz?raw=1', '/bottles/a-1.0%2B2.tar.gz?raw=1'],
  ['http://[::1]:8080/index/x', '/index/x'],
  // workerd gives these as they were sent.
  ['https://mirror.example*', '/'],
  ['https://mirror.example', '/'],
  ['https://mirror.example?q=a', '/?q=a'],
  ['https://mirror.example/bottles/../api/v1/health', '/api/v1/health'],
  ['https://mirror.example/x/%2e%2E/badge.svg', '/badge.svg'],
  ['https://mirror.example/api\\v1\\health', '/api/v1/health'],
  ["https://mirror.example/?q='a", '/?q=%27a'],
  ['https://mirror.example/é#part', '/%C3%A9'],
])('of %s the path and query are %s', (url, target) => {
  expect(targetOf({ url })).toBe(target);
  expect(pathnameOf({ url })).toBe(target.split('?')[0]);
});
