import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { STOUT_CONFIG } from '../../format/layout.ts';
import { createApp } from '../../worker/app.ts';
import { parseSettings } from '../../worker/settings.ts';
import { DAY, entryOf, KEY, NOW, NOW_SECONDS, type SignedMirror, signMirror } from '../format/support.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { MemoryStore } from './verification/support.ts';

const HTML = 'text/html,*/*;q=0.8';
const JSON_TYPE = 'application/json';
/** Sizes and times that do not follow the names. */
const MANY = Array.from({ length: 2_500 }, (_, at) => ({
  ...entryOf(`casks/App-${at}.dmg`),
  size: (at * 7919) % 2_500,
  modified: NOW_SECONDS + ((at * 104_729) % 2_500),
}));
const NAMES = MANY.map(({ name }) => name.slice('casks/'.length)).sort();
const BYTES = MANY.reduce((sum, { size }) => sum + size, 0);
const PACKAGE_JSON = 'index/casks/data/a/app.json.zst';
const MIRROR = signMirror({
  entries: MANY,
  files: () => ({
    [PACKAGE_JSON]: utf8('rewritten when it is served'),
    [STOUT_CONFIG]: utf8('for a host that only sends files'),
  }),
});

function appOf(mirror: SignedMirror): { app: ReturnType<typeof createApp>; store: MemoryStore } {
  const store = new MemoryStore(mirror);
  const settings = { ...parseSettings({ VERIFY_OPERATIONS: '45' }), trusted: [KEY.publicKey] };
  return { app: createApp({ store, settings, clock: () => NOW }), store };
}
const { app } = appOf(MIRROR);
const ask = (path: string, accept = HTML) => app.request(`http://localhost${path}`, { headers: { accept } });
const pageOf = async (path: string, accept?: string): Promise<string> => (await ask(path, accept)).text();
const namesOf = (page: string): string[] =>
  [...page.matchAll(/<th scope="row"><a href="([^"]+)"/g)]
    .map(([, name = '']) => name)
    .filter((name) => name !== '../');
const linkOf = (page: string, rel: string): string | undefined =>
  new RegExp(`rel="${rel}" href="([^"]+)"`).exec(page)?.[1]?.replaceAll('&amp;', '&');

/** The parts that one comes to by a link, from a page on. */
async function partsBy(rel: string, page: string): Promise<string[][]> {
  const parts = [namesOf(page)];
  for (let link = linkOf(page, rel), at = page; link !== undefined; link = linkOf(at, rel)) {
    at = await pageOf(`/casks/${link}`);
    parts.push(namesOf(at));
  }
  return parts;
}

describe('the parts of a folder', () => {
  test('lead forward and back to the same names, and to the first', async () => {
    const first = await pageOf('/casks/');
    expect(linkOf(first, 'prev')).toBeUndefined();
    const forward = await partsBy('next', first);
    expect(forward.map(({ length }) => length)).toEqual(Array<number>(20).fill(125));
    expect(forward.flat()).toEqual(NAMES);
    const last = await pageOf(`/casks/?cursor=${NAMES[2374]}`);
    expect(await partsBy('prev', last)).toEqual(forward.toReversed());
    expect(namesOf(await pageOf(`/casks/${linkOf(last, 'first')}`))).toEqual(forward[0]);
    // At both ends of the table.
    expect([...last.matchAll(/rel="prev"/g)].length).toBe(2);
  });

  test('of subfolders, which span leaves, lead back too', async () => {
    const page = await pageOf('/?files&before=snapshot/');
    expect(namesOf(page)).toEqual(['blobs/', 'bottles/', 'casks/', 'config/', 'index/', 'manifest.json']);
    expect(namesOf(await pageOf('/?files&before=casks/'))).toEqual(['blobs/', 'bottles/']);
    expect(namesOf(await pageOf('/snapshot/?before=root.json'))).toEqual(['leaves/']);
  });

  test('have at most 60 kB, uncompressed', async () => {
    const tags = ['arm64_linux', 'arm64_sequoia', 'arm64_sonoma', 'sonoma', 'x86_64_linux'];
    const entries = Array.from({ length: 1_200 }, (_, at) => ({
      ...entryOf(`bottles/formula${Math.floor(at / 5)}-1.${at % 17}.${tags[at % 5]}.bottle.tar.gz`),
      size: 100_000 + ((at * 104_729) % 9_000_000),
      modified: NOW_SECONDS + DAY * (Math.floor(at / 5) % 50),
    }));
    const { app } = appOf(signMirror({ entries, bottles: 0 }));
    const answer = await app.request('http://localhost/bottles/', { headers: { accept: HTML } });
    const page = await answer.text();
    expect(namesOf(page).length).toBe(125);
    expect(Buffer.byteLength(page)).toBeLessThan(60_000);
  });

  test('state the totals of the whole folder, by the signed list', async () => {
    const page = await pageOf('/casks/');
    expect(BYTES).toBe(3_123_750);
    expect(page).toContain('125 entries');
    expect(page).toContain('2,500 files, 3.12 MB in the whole folder');
    expect(await pageOf('/bottles/')).not.toContain('in the whole folder');
  });
});

describe('a filter', () => {
  test('finds names in all parts, in any case', async () => {
    const page = await pageOf('/casks/?filter=aPP-24');
    expect(namesOf(page)).toEqual(NAMES.filter((name) => name.startsWith('App-24')));
    expect(page).toContain('111 entries');
    expect(page).toContain('value="aPP-24"');
  });

  test('that fits nothing says so, and keeps to the folder', async () => {
    const page = await pageOf('/casks/?filter=package');
    expect(namesOf(page)).toEqual([]);
    expect(page).toContain('0 entries whose name contains “package”');
  });

  test('that fits more than a part goes on in parts with it', async () => {
    const page = await pageOf('/casks/?filter=app&sort=size&order=desc');
    expect(linkOf(page, 'next')).toMatch(/^\?filter=app&sort=size&order=desc&cursor=/);
    expect((await partsBy('next', page)).flat().sort()).toEqual(NAMES);
  });

  test.each(['filter=zzz', 'filter=app-2499.dmg', ''])('with %j reads at most 16 leaves', async (query) => {
    const { app, store } = appOf(signMirror({ entries: WIDE }));
    await app.request(`http://localhost/casks/?${query}`, { headers: { accept: HTML } });
    expect(store.operations).toBeLessThanOrEqual(16 + 1 + 2);
  });
});

const WIDE = Array.from({ length: 20_000 }, (_, at) => entryOf(`casks/app-${at}.dmg`, utf8('')));

describe('a filter that fits few of very many names', () => {
  const [one, other] = [100, 9_900].map((at) => `app-${at}zz.dmg`) as [string, string];
  const entries = Array.from({ length: 20_000 }, (_, at) => {
    const name = `app-${at}`;
    return entryOf(`casks/${name}${at === 100 || at === 9_900 ? 'zz' : ''}.dmg`, utf8(''));
  });
  const names = entries.map(({ name }) => name.slice('casks/'.length)).sort();
  const { app } = appOf(signMirror({ entries }));
  const pageAt = async (query: string): Promise<string> =>
    (await app.request(`http://localhost/casks/${query}`, { headers: { accept: HTML } })).text();

  /** The names that one comes to by a link, from a page on. */
  async function namesBy(rel: string, query: string): Promise<string[]> {
    const found: string[] = [];
    for (let next: string | undefined = query; next !== undefined; ) {
      const page: string = await pageAt(next);
      expect(next === '?filter=zz' || linkOf(page, 'first') !== undefined).toBe(true);
      found.push(...namesOf(page));
      next = linkOf(page, rel);
    }
    return found;
  }

  test('loses none, forward or backward', async () => {
    expect(await namesBy('next', '?filter=zz')).toEqual([one, other]);
    expect(await namesBy('prev', `?filter=zz&before=${other}`)).toEqual([one]);
    expect(await namesBy('prev', `?filter=zz&cursor=${names.at(-1)}`)).toEqual([other, one]);
  });

  test('leads on from an empty part, and skips no name', async () => {
    const empty = await pageAt(`?filter=zz&before=${other}`);
    expect(namesOf(empty)).toEqual([]);
    expect(namesOf(await pageAt(linkOf(empty, 'next') ?? expect.unreachable()))).toContain(other);
    const onward = await pageAt(`?filter=zz&cursor=${other}`);
    expect(namesOf(onward)).toEqual([]);
    expect(await namesBy('prev', linkOf(onward, 'prev') ?? expect.unreachable())).toEqual([other, one]);
    const before = await pageAt(`?before=${names[0]}`);
    expect([linkOf(before, 'first'), linkOf(before, 'next')]).toEqual(['?', undefined]);
  });
});

test.each(['cursor=a', 'before=a', 'filter=a&cursor=a', ''])(
  'when there is no such folder, %j makes none of it',
  async (query) => {
    expect((await ask(`/nonsense/dir/?${query}`)).status).toBe(404);
    expect((await ask('/casks/?cursor=zzz')).status).toBe(200);
  },
);

test('when a line of the list is damaged, a listing refuses it as damage', async () => {
  const damaged = { ...entryOf('casks/b.dmg', utf8('')), modified: 999_999_999_999 };
  const around = ['casks/a.dmg', 'casks/c.dmg', 'vulns/z'].map((name) => entryOf(name, utf8('')));
  const { app } = appOf(signMirror({ entries: [damaged, ...around] }));
  for (const query of ['', '?cursor=a.dmg', '?format=sha256sums']) {
    expect((await app.request(`http://localhost/casks/${query}`)).status, query).toBe(424);
  }
});

test('when a folder at the top is shown, its checksums are those of the top', async () => {
  const [, link = ''] = /href="([^"]+)" download/.exec(await pageOf('/?files')) ?? [];
  expect(await pageOf(`/${link.replaceAll('&amp;', '&')}`)).toMatch(/^[0-9a-f]{64} {2}manifest\.json$/m);
});

describe('an order', () => {
  test.each([
    ['size', 'asc'],
    ['size', 'desc'],
    ['modified', 'asc'],
    ['modified', 'desc'],
  ] as const)('by %s, %s, is that of the part that is shown', async (key, order) => {
    const answer = await ask(`/casks/?sort=${key}&order=${order}`, JSON_TYPE);
    const { entries } = (await answer.json()) as { entries: Record<string, string | number>[] };
    const values = entries.map((entry) => entry[key] ?? expect.unreachable());
    const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    expect(values).toEqual(order === 'asc' ? sorted : sorted.reverse());
    const names = entries.map(({ name }) => String(name)).sort();
    expect(names).toEqual(NAMES.slice(0, 1000));
    const page = await pageOf(`/casks/?sort=${key}&order=${order}`);
    expect(page).toContain(`aria-sort="${order}ending"`);
    expect(page).toContain('Each part is sorted by itself.');
  });

  test('by name, descending, is that of the part too', async () => {
    expect(await pageOf('/casks/?order=desc')).toContain('Each part is sorted by itself.');
    expect(await pageOf('/casks/')).not.toContain('role="status">Each part');
  });

  test.each([
    ['sort=hash', 'name or size or modified'],
    ['order=up', 'asc or desc'],
    ['format=md5', 'sha256sums'],
    [`filter=${'x'.repeat(101)}`, 'at most 100 characters'],
  ])('or a choice that there is not (%s) is refused by name', async (query, expected) => {
    const answer = await ask(`/casks/?${query}`, JSON_TYPE);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'bad-input', expected });
  });
});

describe('for programs', () => {
  test('there are no links but those to what is in the folder, and above it', async () => {
    for (const path of ['/', '/casks/', '/bottles/', '/snapshot/leaves/']) {
      const page = await pageOf(path, '*/*');
      const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, link = '']) => link);
      const others = links.filter((link) => /[?#]/.test(link) && !link.startsWith('data:'));
      expect(others).toEqual(['#main']);
      expect(page).not.toContain('<script');
    }
  });

  test('SHA256SUMS is what sha256sum reads', needs('sha256sum'), async () => {
    const folder = await temporaryFolder();
    for (const [path, bytes] of MIRROR.files) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    for (const path of ['bottles/', 'index/', 'snapshot/leaves/']) {
      const answer = await ask(`/${path}?format=sha256sums`);
      expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      await writeFile(join(folder, path, 'SHA256SUMS'), await answer.text());
      const { status, stdout, stderr } = await runProgram(
        'sha256sum',
        ['--check', '--strict', 'SHA256SUMS'],
        {},
        join(folder, path),
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const files = [...MIRROR.files.keys()].filter((name) => dirname(name) === path.slice(0, -1));
      expect(stdout.trim().split('\n').length).toBe(files.length);
    }
  });

  test('SHA256SUMS leaves out, in a comment, what is not sent byte for byte', async () => {
    const text = await pageOf(`/${dirname(PACKAGE_JSON)}/?format=sha256sums`);
    expect(text).toMatch(/^# with \?raw=1: [0-9a-f]{64} {2}app\.json\.zst\n$/);
    const config = await pageOf(`/${dirname(STOUT_CONFIG)}/?format=sha256sums`);
    expect(config).toMatch(/^# with \?raw=1: [0-9a-f]{64} {2}stout\.toml\n$/);
  });

  test('SHA256SUMS of a folder that is too large for one call says where it continues', async () => {
    const { app } = appOf(signMirror({ entries: [...WIDE, ...MORE] }));
    const sums: string[] = [];
    let query: string | undefined = '?format=sha256sums';
    for (let calls = 0; query !== undefined && calls < 10; calls++) {
      const text: string = await (await app.request(`http://localhost/casks/${query}`)).text();
      sums.push(...text.split('\n').filter((line) => /^[0-9a-f]/.test(line)));
      query = /^# continued at (.+)$/m.exec(text)?.[1];
      expect(calls > 0 || query !== undefined).toBe(true);
    }
    expect(new Set(sums).size).toBe(WIDE.length + MORE.length);
  });
});

const MORE = Array.from({ length: 10_000 }, (_, at) => entryOf(`casks/more-${at}.dmg`, utf8('')));

// A listing that made an entry of each name would take ten times as long.
test('when 20,000 names are listed, a part takes a cold Worker little time', async () => {
  const { app } = appOf(signMirror({ entries: WIDE }));
  const part = async () => {
    const answer = await app.request('http://localhost/casks/?cursor=app-15', { headers: { accept: HTML } });
    expect(namesOf(await answer.text()).length).toBe(125);
  };
  for (let run = 0; run < 5; run++) await part();
  const times: number[] = [];
  for (let run = 0; run < 5; run++) times.push(await cpuTime(part));
  expect(Math.min(...times)).toBeLessThan(6);
});
