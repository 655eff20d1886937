import { describe, expect, test } from 'vitest';
import { formatPublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import { parseSettings, type SettingVariables } from '../../worker/settings.ts';
import { failing, KEY, OTHER_KEY } from '../format/support.ts';

const LINE = publicKeyLine(KEY.publicKey);
const OTHER_LINE = publicKeyLine(OTHER_KEY.publicKey);

test('when nothing is set, nothing is trusted and nothing allowed', () => {
  expect(parseSettings({})).toEqual({
    trusted: [],
    allowUnverified: false,
    mirror: undefined,
    expired: 'serve',
    publicUrl: undefined,
    encryption: 'here',
    tokens: [],
    verifyOperations: 45,
  });
});

test('when a private mirror has a public URL of plain http, it is refused, except on this machine', () => {
  const parse = (PUBLIC_URL: string) => parseSettings({ PUBLIC_URL, MIRROR_TOKEN: 'token' });
  expect(() => parse('http://mirror.example')).toThrow(failing('bad-input'));
  for (const url of ['https://mirror.example', 'http://localhost:9000', 'http://[::1]:9000']) {
    expect(parse(url).publicUrl).toBe(url);
  }
});

describe('TRUSTED_KEYS', () => {
  test.each([
    ['', []],
    ['  \n ', []],
    [LINE, [KEY.publicKey]],
    [` ${LINE}\n`, [KEY.publicKey]],
    [`${LINE} ${OTHER_LINE}`, [KEY.publicKey, OTHER_KEY.publicKey]],
    [`${LINE},${OTHER_LINE}`, [KEY.publicKey, OTHER_KEY.publicKey]],
    [`${LINE},\r\n\t${OTHER_LINE},`, [KEY.publicKey, OTHER_KEY.publicKey]],
  ])('when it is %j, exactly these keys are trusted', (text, expected) => {
    expect(parseSettings({ TRUSTED_KEYS: text }).trusted).toEqual(expected);
  });

  test.each([
    ['a word', 'none'],
    ['a key cut short', LINE.slice(0, -4)],
    ['a good key and a bad one', `${LINE} RWbad`],
    ['a good key with more behind it', `${LINE}AAAA`],
    ['hex instead of minisign', 'ab'.repeat(32)],
    ['a secret key’s beginning', 'RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ])('when it holds %s, all of it is refused', (_, text) => {
    expect(() => parseSettings({ TRUSTED_KEYS: text })).toThrow(failing('bad-input', 'TRUSTED_KEYS'));
  });

  test('when it is a .pub file with its comment, it is read or refused, never half of it', () => {
    let trusted: unknown = 'refused';
    try {
      trusted = parseSettings({ TRUSTED_KEYS: formatPublicKey(KEY.publicKey) }).trusted;
    } catch (error) {
      expect(error).toEqual(failing('bad-input'));
    }
    expect(['refused', [KEY.publicKey]]).toContainEqual(trusted);
  });
});

describe('MIRROR_TOKEN', () => {
  test.each([
    ['one', ['one']],
    [' one\ntwo, three ', ['one', 'two', 'three']],
    ['p4ss:w/rd+=', ['p4ss:w/rd+=']],
  ])('when it is %j, exactly these tokens are', (text, expected) => {
    expect(parseSettings({ MIRROR_TOKEN: text }).tokens).toEqual(expected);
  });

  test.each(['', ' ', ',', 'schlüssel', 'one\0two'])(
    'when it is %j, the mirror is not opened to all but refused',
    (text) => {
      expect(() => parseSettings({ MIRROR_TOKEN: text })).toThrow(failing('bad-input'));
    },
  );
});

test.each([
  ['true', true],
  ['TRUE', false],
  ['1', false],
  ['yes', false],
  [' true', false],
  ['', false],
])('when ALLOW_UNVERIFIED is %j, unverified mirrors are allowed: %s', (text, expected) => {
  expect(parseSettings({ ALLOW_UNVERIFIED: text }).allowUnverified).toBe(expected);
});

test.each<[name: keyof SettingVariables, text: string, setting: string, expected: unknown]>([
  ['MIRROR_ID', '', 'mirror', undefined],
  ['MIRROR_ID', '0123456789ABCDEF-1', 'mirror', '0123456789ABCDEF-1'],
  ['EXPIRED', 'serve', 'expired', 'serve'],
  ['EXPIRED', 'refuse', 'expired', 'refuse'],
  ['PUBLIC_URL', '', 'publicUrl', undefined],
  ['PUBLIC_URL', 'https://mirror.example', 'publicUrl', 'https://mirror.example'],
  ['PUBLIC_URL', 'https://mirror.example/', 'publicUrl', 'https://mirror.example'],
  ['PUBLIC_URL', 'http://localhost:9000', 'publicUrl', 'http://localhost:9000'],
  ['VERIFY_OPERATIONS', '40', 'verifyOperations', 40],
  ['VERIFY_OPERATIONS', '900', 'verifyOperations', 900],
])('when %s is %j, %s is %j', (name, text, setting, expected) => {
  expect(parseSettings({ [name]: text })).toHaveProperty(setting, expected);
});

test.each<[name: keyof SettingVariables, text: string]>([
  ['MIRROR_ID', '0123456789abcdef-1'],
  ['MIRROR_ID', '0123456789ABCDEF'],
  ['MIRROR_ID', '0123456789ABCDEF-0'],
  ['MIRROR_ID', ' 0123456789ABCDEF-1'],
  ['MIRROR_ID', '0123456789ABCDEF-9007199254740992'],
  ['EXPIRED', 'Refuse'],
  ['EXPIRED', 'no'],
  ['PUBLIC_URL', 'mirror.example'],
  ['PUBLIC_URL', 'ftp://mirror.example'],
  ['PUBLIC_URL', 'https://mirror.example/path'],
  ['PUBLIC_URL', 'https://mirror.example/?q'],
  ['PUBLIC_URL', 'https://user@mirror.example'],
  ['PUBLIC_URL', 'javascript:alert(1)'],
  ['VERIFY_OPERATIONS', '39'],
  ['VERIFY_OPERATIONS', '-45'],
  ['VERIFY_OPERATIONS', '45.5'],
  ['VERIFY_OPERATIONS', 'many'],
  ['VERIFY_OPERATIONS', 'Infinity'],
])('when %s is %j, it is refused rather than guessed', (name, text) => {
  expect(() => parseSettings({ [name]: text })).toThrow(failing('bad-input'));
});
