import { expect, test } from 'vitest';
import { isEncrypted, isExposed } from '../../../worker/http/encryption.ts';

test.each([
  ['https://mirror.example/x', 'encrypted'],
  ['http://mirror.example/x', 'exposed'],
  ['http://mirror.example:8080/x', 'exposed'],
  ['http://127.0.0.1.mirror.example/x', 'exposed'],
  ['http://localhost.mirror.example/x', 'exposed'],
  ['http://192.168.1.1/x', 'exposed'],
  ['http://localhost:9000/x', 'local'],
  ['http://127.0.0.1/x', 'local'],
  ['http://127.1/x', 'local'],
  ['http://[::1]:9000/x', 'local'],
])('at the edge, %s is %s, whatever a header says', (url, expected) => {
  for (const forwarded of ['http', 'https']) {
    const request = new Request(url, { headers: { 'x-forwarded-proto': forwarded } });
    const [encrypted, exposed] = [isEncrypted(request, 'here'), isExposed(request, 'here')];
    expect([encrypted, exposed]).toEqual([expected === 'encrypted', expected === 'exposed']);
  }
});
