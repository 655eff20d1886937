import { describe, expect, test } from 'vitest';
import { decodePath } from '../../../worker/http/path.ts';
import { failing } from '../../format/support.ts';

/** As the app calls it: with what the URL parser leaves of the request target. */
const pathOf = (target: string): string => decodePath(new URL(target, 'https://mirror.example').pathname);

describe('the path of a request', () => {
  test.each([
    ['/', ''],
    ['/manifest.json', 'manifest.json'],
    ['/casks/notepad++-8.dmg', 'casks/notepad++-8.dmg'],
    ['/casks/notepad%2B%2B-8.dmg', 'casks/notepad++-8.dmg'],
    ['/bottles/openssl%403-3.4.tar.gz', 'bottles/openssl@3-3.4.tar.gz'],
    ['/b%C3%BCcher', 'bücher'],
    ['/a%20b', 'a b'],
    ['/a%25', 'a%'],
    ['/100%25%32%46', '100%2F'],
    ['/a%252Fb', 'a%2Fb'],
    ['/a/', 'a/'],
    ['/a//b', 'a//b'],
    ['/...', '...'],
  ])('when it is %j, it names %j', (target, expected) => {
    expect(pathOf(target)).toBe(expected);
  });

  test.each([
    ['/a/../manifest.json', 'manifest.json'],
    ['/../../etc/passwd', 'etc/passwd'],
    ['/a/%2e%2E/b', 'b'],
    ['/a/.%2e/../../b', 'b'],
    ['/a\\..\\b', 'b'],
  ])('when it climbs, as %j does, it stays below the root', (target, expected) => {
    expect(pathOf(target)).toBe(expected);
  });

  test.each([
    ['/%', 'a lone percent sign'],
    ['/a%2', 'half an escape'],
    ['/%zz', 'no hex digits'],
    ['/%ff', 'no UTF-8'],
    ['/%c0%af', 'an overlong slash'],
    ['/%ed%a0%80', 'a surrogate'],
    ['/a%2Fb', 'an escaped slash'],
    ['/..%2fmanifest.json', 'an escaped slash after dots'],
    ['/a%5Cb', 'an escaped backslash'],
    ['/a%00', 'NUL'],
    ['/a%0d%0aset-cookie:%20x', 'line breaks'],
    ['/a%09', 'a tab'],
    ['/a%7f', 'DEL'],
    [`/${'a'.repeat(2048)}`, 'more than 2,048 characters'],
    [`/${'%61'.repeat(1000)}`, 'more than 2,048 characters with escapes'],
  ])('when it is %j, it is refused as the client’s mistake (%s)', (target) => {
    expect(() => pathOf(target)).toThrow(failing('bad-input'));
  });

  test.each(['/./a', '/a/..', '/a/%2e%2e/b', '/%2E'])(
    'when dot segments such as %j reach it unresolved, they are refused',
    (pathname) => {
      expect(() => decodePath(pathname)).toThrow(failing('bad-input'));
    },
  );

  test('when it is as long as can be, it is read', () => {
    expect(pathOf(`/${'a'.repeat(2047)}`)).toHaveLength(2047);
  });
});
