import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOwnFile } from '../../format/snapshot/entry.ts';
import { entryOf, signMirror } from '../format/support.ts';
import { jsonOf, send } from '../support/http.ts';
import { needs, runProgram } from '../support/programs.ts';
import { RUNTIMES, type Running } from '../support/runtimes.ts';

/** Enough for several parts and leaves; they are listed, and that is all that a listing asks. */
const MANY = Array.from({ length: 2_500 }, (_, at) => entryOf(`casks/app${at}-1.0.dmg`));
const NESTED = ['a/x', 'a/y/z', 'a-b', 'a0', 'b+c', 'b@1', 'b/c/d/e'].map((name) =>
  entryOf(`bottles/${name}`),
);
const MIRROR = signMirror({ now: new Date(), entries: [...MANY, ...NESTED] });
const JSON_PLEASE = { accept: 'application/json' };

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR);
  });
  afterAll(() => running.close());
  const ask = (path: string, headers: Record<string, string> = {}) => send(running.origin, path, { headers });
  const list = async (path: string) => jsonOf(await ask(path, JSON_PLEASE));

  /** A folder whole, part by part. */
  async function whole(path: string): Promise<{ name: string; type: string }[]> {
    const entries = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const query: string = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
      const part = await list(path + query);
      expect(part.entries.length).toBeLessThanOrEqual(1_000);
      entries.push(...part.entries);
      cursor = part.cursor;
    }
    return entries;
  }

  test('when a folder of 2,500 files is listed in parts, each is there once, in order, as signed', async () => {
    const entries = await whole('/casks/');
    const expected = MANY.map(({ name, size, sha256, modified }) => ({
      name: name.slice('casks/'.length),
      type: 'file',
      size,
      modified: new Date(modified * 1000).toISOString(),
      sha256,
    })).sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(entries).toEqual(expected);
    const pages = [];
    for (let path: string | undefined = '/casks/'; path !== undefined; ) {
      const page: string = (await ask(path, { accept: 'text/html' })).body.toString('utf8');
      pages.push(...[...page.matchAll(/<th scope="row"><a href="(app[^"]+)"/g)].map(([, name]) => name));
      const next: string | undefined = /rel="next" href="([^"]+)"/.exec(page)?.[1];
      path = next === undefined ? undefined : `/casks/${next.replaceAll('&amp;', '&')}`;
    }
    expect(pages).toEqual(expected.map(({ name }) => name));
  });

  test('when a tool asks, which could not ask for a next part, the folder comes in one', async () => {
    const page = (await ask('/casks/', { accept: '*/*' })).body.toString('utf8');
    const names = [...page.matchAll(/<th scope="row"><a href="(app[^"]+)"/g)].map(([, name]) => name);
    expect(names).toEqual((await whole('/casks/')).map(({ name }) => name));
    expect(page).not.toContain('rel="next"');
  });

  test('when a tool or a browser opens the top, the one gets its folder, the other the front page', async () => {
    const forTools = (await ask('/')).body.toString('utf8');
    const names = [...forTools.matchAll(/<th scope="row"><a href="([^"]+)"/g)].map(([, name]) => name);
    expect(names).toEqual((await whole('/')).map(({ name }) => name));
    const forPeople = (await ask('/', { accept: 'text/html,*/*;q=0.8' })).body.toString('utf8');
    expect(forPeople).toContain('Signed and current');
  });

  test('when rclone lists folders, it finds all that is in them', needs('rclone'), async () => {
    const list = async (folder: string): Promise<string[]> => {
      const { stdout } = await runProgram('rclone', [
        ...[
          'lsf',
          '--config',
          '/dev/null',
          '--http-no-head',
          '--http-url',
          running.origin,
          `:http:${folder}`,
        ],
      ]);
      return stdout.trimEnd().split('\n');
    };
    for (const folder of ['/', '/casks/', '/bottles/']) {
      const expected = (await whole(folder)).map(({ name }) => name);
      expect((await list(folder)).sort(), folder).toEqual(expected.sort());
    }
  });

  test('when files and folders mix, folders stand once among them, and names that begin alike are kept apart', async () => {
    const names = (await whole('/bottles/'))
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('package'));
    expect(names).toEqual(['a-b', 'a/', 'a0', 'b+c', 'b/', 'b@1']);
    expect((await whole('/bottles/a/')).map(({ name }) => name)).toEqual(['x', 'y/']);
    expect((await whole('/bottles/b/c/d/')).map(({ name }) => name)).toEqual(['e']);
  });

  test('when every folder is walked from the top, all files of the mirror are found', async () => {
    const found: string[] = [];
    const walk = async (folder: string): Promise<void> => {
      for (const { name, type } of await whole(`/${folder}`)) {
        if (type === 'folder') await walk(folder + name);
        else found.push(folder + name);
      }
    };
    await walk('');
    const listed = MIRROR.entries.map(({ name }) => name);
    const own = ['snapshot/root.json', 'snapshot/root.json.sig'];
    const leaves = MIRROR.snapshot.leaves.map(({ sha256 }) => `snapshot/leaves/${sha256}.tsv`);
    expect(found.sort()).toEqual([...listed, ...own, ...leaves].sort());
    expect(MIRROR.entries.filter(isOwnFile).length).toBeLessThanOrEqual(found.length);
  });

  test.each(['/casks', '/bottles/a', '/snapshot', '/index'])(
    'when %s lacks its slash, it leads there',
    async (path) => {
      const answer = await ask(path);
      expect([answer.status, answer.headers.location]).toEqual([308, `${path}/`]);
    },
  );

  test.each([
    ['/bottles/nothing/', 'not-found'],
    ['/nothing/', 'no-such-path'],
    ['/bottles/package0-1.0.arm64_sonoma.bottle.tar.gz/', 'not-found'],
    ['/casks//', 'no-such-path'],
    ['/cas/', 'no-such-path'],
  ])('when %s is no folder, it is %s', async (path, code) => {
    expect(await list(path)).toMatchObject({ status: 404, code });
  });

  test('when a listing is requested again, a 304 saves it; HTML and JSON are kept apart', async () => {
    const [page, json] = [await ask('/bottles/'), await ask('/bottles/', JSON_PLEASE)];
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers.etag).not.toBe(json.headers.etag);
    expect([page.headers.vary, json.headers.vary]).toEqual(['accept', 'accept']);
    const again = await ask('/bottles/', { ...JSON_PLEASE, 'if-none-match': json.headers.etag ?? '' });
    expect([again.status, again.headers.vary]).toEqual([304, 'accept']);
  });

  test('when a cursor points anywhere, the listing continues after it or is at its end', async () => {
    expect((await list('/bottles/?cursor=b')).entries[0].name).toBe('b+c');
    expect(await list('/bottles/?cursor=zzz')).toMatchObject({ entries: [], cursor: null });
    expect((await list('/bottles/?cursor=')).entries[0].name).toBe('a-b');
    expect((await list(`/bottles/?cursor=${encodeURIComponent('../casks/')}`)).path).toBe('/bottles/');
  });
});
