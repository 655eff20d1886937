import { describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { CHANGES, PACKAGE_LIST } from '../../format/layout.ts';
import { recordsPath } from '../../format/package-record.ts';
import { DAY, entryOf, hexOf, NOW, signMirror } from '../format/support.ts';
import { describedMirror } from '../support/described-mirror.ts';
import { asking } from './asking.ts';

const mirror = (brew = true) => describedMirror(brew, { now: NOW });
const HTML = { accept: 'text/html' };

describe('the badge', () => {
  const at = (passed: number, changes: Parameters<typeof asking>[1] = {}) => {
    const { ask, at } = asking(mirror(), changes);
    at(passed);
    return ask('/badge.svg');
  };

  test.each([
    [0, 'fresh', 60],
    [25 * DAY - 1, 'fresh', 1],
    [25 * DAY + 1, 'expiring', 60],
    [30 * DAY - 10, 'expiring', 10],
  ])(
    'when %d seconds have passed, says %s, and is not kept beyond the moment at which that changes',
    async (passed, word, age) => {
      const { body, headers } = await at(passed);
      expect(body).toContain(`<title>mirror: ${word}</title>`);
      expect(headers.get('cache-control')).toBe(`public, max-age=${age}, must-revalidate`);
    },
  );

  test.each(['serve', 'refuse'] as const)(
    'says that the snapshot has expired, where it is to %s it',
    async (expired) => {
      const { status, body, headers } = await at(31 * DAY, { expired });
      expect([status, headers.get('cache-control')]).toEqual([200, 'private, no-cache, no-transform']);
      expect(headers.get('mirror-warning')).toMatch(/^expired/);
      expect(body).toContain('mirror: expired');
    },
  );

  test('says that nothing is verified where no key is trusted', async () => {
    const { body, headers } = await at(0, { trusted: [], allowUnverified: true });
    expect(body).toContain('mirror: unverified');
    expect(headers.get('cache-control')).not.toContain('public');
  });
});

describe('what storage lacks', () => {
  test.each([
    ['/packages/jq', recordsPath(hexOf('sha256', utf8('jq')))],
    ['/api/v1/packages/jq', recordsPath(hexOf('sha256', utf8('jq')))],
    ['/packages/nonesuch', PACKAGE_LIST],
    ['/changes', CHANGES],
    ['/changes.atom', CHANGES],
  ])('when %s needs %s, the answer is 424', async (path, file) => {
    const damaged = mirror();
    damaged.files.delete(file);
    expect((await asking(damaged).ask(path, HTML)).status).toBe(424);
  });

  test.each([
    ['a line that is not a record', utf8('{\n"jq":[{"name":7}]\n}\n')],
    ['no text', Uint8Array.of(0xff)],
  ])('when %s was signed, the answer blames the mirror and not the client', async (_, bytes) => {
    const path = recordsPath(hexOf('sha256', utf8('jq')));
    const { status } = await asking(signMirror({ files: () => ({ [path]: bytes }) })).ask('/packages/jq');
    expect(status).toBe(424);
  });

  test('when nothing is known of changes, there is a page and a feed of none', async () => {
    const { ask } = asking(signMirror());
    expect((await ask('/changes', HTML)).body).toContain('Nothing is recorded yet.');
    expect(JSON.parse((await ask('/changes')).body)).toEqual({ snapshots: [] });
    expect((await ask('/changes.atom')).body).toContain('<updated>2026-11-01T12:00:00Z</updated>');
  });
});

test('a file that the signed list does not offer is on no page, and one on demand says so', async () => {
  const path = 'linux-apps/krita-5.2.11.appimage';
  const files = Object.fromEntries(
    [...mirror().files].filter(([name]) => name.startsWith('index/packages/')),
  );
  const { size: _, md5: _md5, ...known } = entryOf(path);
  const entries = [{ ...known, source: 'https://files.upstream.test/krita' }];
  const pageOf = async (more: typeof entries): Promise<string> =>
    (await asking(signMirror({ files: () => files, entries: more })).ask('/packages/krita', HTML)).body;
  expect(await pageOf([])).not.toContain(path);
  expect(await pageOf(entries)).toMatch(/on demand: fetched when somebody first asks.*unknown/s);
});
