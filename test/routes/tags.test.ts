import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { signMirror } from '../format/support.ts';
import { type Answer, jsonOf, send } from '../support/http.ts';
import { RUNTIMES, type Running } from '../support/runtimes.ts';

const TAGS = ['1.10.0', '1.6', '1.7.1', '1.7.1-1', '1.8.0_2'];
const LIST = '/v2/homebrew/core/jq/tags/list';
const MIRROR = signMirror({
  now: new Date(),
  files: () =>
    Object.fromEntries(TAGS.map((tag) => [`bottles/jq/manifests/${tag}`, utf8(`{"tag":"${tag}"}`)])),
});
const nextOf = ({ headers }: Answer): string | undefined =>
  /^<(.+)>; rel="next"$/.exec(String(headers.link))?.[1];

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR);
  });
  afterAll(() => running.close());
  const get = (path: string): Promise<Answer> => send(running.origin, path);

  test.each([1, 2, 3, 4, 5, 99])(
    'when tags are asked for %i at a time, each part links to the next',
    async (n) => {
      const parts: string[][] = [];
      for (let path: string | undefined = `${LIST}?n=${n}`; path !== undefined; ) {
        const part = await get(path);
        parts.push(jsonOf(part).tags);
        path = nextOf(part);
      }
      expect(parts.flat()).toEqual(TAGS);
      expect(parts.map(({ length }) => length)).toEqual(
        Array.from({ length: Math.ceil(TAGS.length / n) }, (_, at) => Math.min(n, TAGS.length - at * n)),
      );
    },
  );

  // OCI distribution specification 1.1, "Listing Tags".
  test.each<[query: string, tags: string[], hasNext: boolean]>([
    ['', TAGS, false],
    ['?n=0', [], false],
    ['?n=2&last=1.7', ['1.7.1', '1.7.1-1'], true],
    ['?last=1.7.1', ['1.7.1-1', '1.8.0_2'], false],
    ['?n=1&last=1.8.0_2', [], false],
    ['?n=x&last=', TAGS, false],
  ])('when the query of a list is %j, it has %j', async (query, tags, hasNext) => {
    const answer = await get(LIST + query);
    expect([jsonOf(answer).tags, nextOf(answer) !== undefined]).toEqual([tags, hasNext]);
  });
});
