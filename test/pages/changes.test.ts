import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import { MAX_CHANGES, type SnapshotChanges } from '../../format/changes.ts';
import { changesPage } from '../../pages/changes.ts';
import { changesFeed, type FeedInput } from '../../pages/feed.ts';
import { CHANGED, HOSTILE } from '../support/described-mirror.ts';

const BASE = '/at/3';
const render = (snapshots: readonly SnapshotChanges[] = CHANGED.snapshots, from?: number): Promise<string> =>
  changesPage({ base: BASE, snapshots, from, warning: undefined });

const snapshot = (version: number, packages = 1): SnapshotChanges => ({
  ...{ version, created_at: 1_763_000_000 + version },
  counts: { added: 0, updated: packages, removed: 0, held: 0 },
  packages: Array.from({ length: packages }, (_, at) => ({
    ...{ kind: 'formula', name: `package-${at}`, from: '1.0', to: '1.1' },
  })),
});
const versionsOn = (page: string): number[] =>
  [...page.matchAll(/<section id="v(\d+)"/g)].map(([, version]) => Number(version));

describe('the page of changes', () => {
  test('groups packages by what happened, and links those that have a page', async () => {
    const page = await render();
    expect(page).toContain('1 added, 1 updated, 1 removed, 1 held back');
    for (const piece of [
      `<h3>Added</h3><ul class="names"><li><a href="${BASE}/packages/docker">docker</a> 4.45.0 <small>cask</small>`,
      `<a href="${BASE}/packages/gtk%2B3">gtk+3</a> 3.24.49 → 3.24.50`,
      `<h3>Removed</h3><ul class="names"><li>evil `,
      `<h3>Held back</h3><ul class="names"><li><a href="${BASE}/packages/openssl@3">openssl@3</a> 3.6.0`,
      `<link rel="alternate" type="application/atom+xml" href="${BASE}/changes.atom">`,
      '900 added',
      `<a href="${BASE}/changes" aria-current="page">Changes</a>`,
    ])
      expect(page).toContain(piece);
    expect(page).not.toContain(HOSTILE);
  });

  test('shows twenty snapshots, and links to those before at an address that stays', async () => {
    const snapshots = Array.from({ length: 50 }, (_, at) => snapshot(50 - at));
    const first = await render(snapshots);
    expect([versionsOn(first).length, versionsOn(first)[0], versionsOn(first).at(-1)]).toEqual([20, 50, 31]);
    expect(first).toContain(`<a rel="next" href="${BASE}/changes?from=30">`);
    const last = await render(snapshots, 10);
    expect(versionsOn(last)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(last).not.toContain('rel="next"');
    expect(last).toContain(`<a href="${BASE}/changes">Newest</a>`);
  });

  test('when a version is no longer remembered, those before it are shown', async () => {
    expect(versionsOn(await render([snapshot(9), snapshot(4)], 7))).toEqual([4]);
    expect(await render([], 7)).toContain('Nothing is recorded yet.');
    expect(await render([snapshot(9)], 7)).toContain('Nothing is recorded of snapshot 7 and before.');
  });

  test.each([
    ['one snapshot changed as many packages as are remembered', [snapshot(2, MAX_CHANGES), snapshot(1)]],
    ['each snapshot changed some', Array.from({ length: 40 }, (_, at) => snapshot(40 - at, 100))],
  ])('when %s, the page stays small', async (_, snapshots) => {
    const page = await render(snapshots);
    expect(page.length).toBeLessThan(60_000);
    expect(versionsOn(page).length).toBeGreaterThan(0);
    expect(page).toContain('rel="next"');
  });

  test('when nothing is recorded, it says so', async () => {
    expect(await render([])).toContain('Nothing is recorded yet.');
  });
});

const INPUT: FeedInput = {
  ...{
    url: 'https://mirror.example/at/3',
    base: '/at/3',
    mirror: '0123456789ABCDEF-1',
    created_at: '2026-11-01T12:00:00Z',
  },
  snapshots: CHANGED.snapshots,
};
const parser = new XMLParser({
  ignoreAttributes: false,
  isArray: (name) => ['entry', 'link'].includes(name),
});

/** RFC 3339, as RFC 4287 section 3.3 wants it. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

describe('the feed', () => {
  test('has what RFC 4287 requires of a feed and of each entry', async () => {
    const text = await changesFeed(INPUT);
    expect(XMLValidator.validate(text)).toBe(true);
    const { feed } = parser.parse(text);
    expect(feed['@_xmlns']).toBe('http://www.w3.org/2005/Atom');
    expect(feed.author.name).toBeTruthy();
    expect(feed.title).toBe('Packages of mirror.example');
    expect(feed.updated).toBe('2025-11-13T02:13:20Z');
    expect(feed.link).toMatchObject([
      { '@_rel': 'self', '@_href': 'https://mirror.example/at/3/changes.atom' },
      { '@_rel': 'alternate', '@_href': 'https://mirror.example/at/3/changes' },
    ]);
    const ids = [feed.id, ...feed.entry.map(({ id }: { id: string }) => id)];
    expect(new Set(ids).size).toBe(3);
    // RFC 4151
    for (const id of ids) expect(id).toMatch(/^tag:[a-z0-9.-]+,\d{4}(-\d\d){0,2}:[!-~]+$/);
    for (const { title, updated, link, content } of feed.entry) {
      expect(title).toBeTruthy();
      expect(updated).toMatch(INSTANT);
      expect(link[0]['@_rel']).toBe('alternate');
      expect(Object.keys(content).filter((name) => !name.startsWith('@_'))).toEqual(['div']);
      expect(content['@_type']).toBe('xhtml');
    }
    expect(text).toContain('href="https://mirror.example/at/3/packages/openssl@3"');
    expect(text).toContain('<small>cask</small>');
  });

  test('has the same ids wherever the mirror is served', async () => {
    const idsOf = (text: string): string[] => text.match(/<id>.*?<\/id>/g) ?? [];
    const [here, there] = [
      await changesFeed(INPUT),
      await changesFeed({ ...INPUT, url: 'http://b.example' }),
    ];
    expect(idsOf(here)).toEqual(idsOf(there));
    const feeds = await Promise.all(['', '/channels/a'].map((base) => changesFeed({ ...INPUT, base })));
    expect(new Set(feeds.map((text) => idsOf(text)[0])).size).toBe(2);
    expect(new Set(feeds.map((text) => idsOf(text)[1])).size).toBe(1);
    const other = await changesFeed({ ...INPUT, mirror: '0123456789ABCDEF-2' });
    expect(idsOf(other).filter((id) => idsOf(here).includes(id))).toEqual([]);
  });

  test('when there is nothing to report, it is still a feed', async () => {
    const text = await changesFeed({ ...INPUT, snapshots: [] });
    expect(XMLValidator.validate(text)).toBe(true);
    expect(parser.parse(text).feed.updated).toBe('2026-11-01T12:00:00Z');
  });

  test('when names hold what no XML may have, it is XML all the same', async () => {
    const bad = 'a\u0000\u001b\ufffe\ud800]]>&<b>';
    const packages = [{ kind: 'formula' as const, name: bad, from: bad, to: bad }];
    const text = await changesFeed({ ...INPUT, snapshots: [{ ...snapshot(1), packages }] });
    expect(XMLValidator.validate(text)).toBe(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are forbidden
    expect(text).not.toMatch(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}|<b>/u);
    expect(text).toContain('&lt;b&gt;');
  });

  test('when much changed, it stays small', async () => {
    const snapshots = Array.from({ length: 100 }, (_, at) => snapshot(100 - at, 1000));
    const text = await changesFeed({ ...INPUT, snapshots });
    expect(text.length).toBeLessThan(300_000);
    expect(parser.parse(text).feed.entry.length).toBe(20);
    expect(text).toContain('and 900 more');
  });
});
