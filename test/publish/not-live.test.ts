import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectServed } from '../../builder/bucket/edge.ts';
import { readSignedRoot } from '../../builder/directory/mirror.ts';
import { type PublishOptions, publish } from '../../builder/publish.ts';
import { parseMirrorUrl } from '../../builder/verify/mirror-url.ts';
import { startServer } from '../builder/server.ts';
import { type Carelessness, startCarelessStore } from '../support/careless-store.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

const directory = join(await temporaryFolder(), 'mirror');
const request = { ...REQUEST, packages: ['jq'], casks: [], tags: ['sonoma'], vulnerabilities: false };
await makeMirror(directory, { request });
const signed = await readSignedRoot(directory);

const OPTIONS: Omit<PublishOptions, 'bucket'> = {
  ...{ directory, trusted: [TEST_KEY.publicKey], clock: () => new Date(), jobs: 8, reporter: SILENT },
  ...{ repair: false, skipVerify: true, dryRun: false },
};

describe('a store that accepts everything is not believed', () => {
  test.each<[Carelessness, RegExp, string]>([
    ['keeping', /^blobs\//, 'does not have them'],
    ['keeping', /^snapshots\//, 'accepted snapshots/'],
    ['keeping', /^current$/, 'accepted current'],
    ['fresh reads', /^current$/, 'accepted current'],
    ['fresh lists', /^current$/, 'accepted current'],
    ['fresh reads', /^blobs\//, 'does not have them'],
  ])('when %s fails for %s', async (lacks, keys, message) => {
    const store = await startCarelessStore(lacks, keys);
    await expect(publish({ ...OPTIONS, bucket: store.bucket })).rejects.toMatchObject({
      ...{ code: 'refused', message: expect.stringContaining(message) },
    });
    store.close();
  });

  test('and one that does all it should is', async () => {
    const store = await startCarelessStore('keeping', /^nothing$/);
    expect(await publish({ ...OPTIONS, bucket: store.bucket })).toMatchObject({ changed: true });
    store.close();
  });
});

describe('what readers see at --url', () => {
  const edgeOf = async (answer: (attempt: number) => Uint8Array | undefined) => {
    const { origin } = await startServer((_request, response, attempt) => {
      const body = answer(attempt);
      response.writeHead(body ? 200 : 404).end(body);
    });
    return parseMirrorUrl(origin);
  };

  test('is waited for', async () => {
    const edge = await edgeOf((attempt) => (attempt > 1 ? signed.root : new Uint8Array(5)));
    await expectServed(edge, signed, SILENT);
  });

  test.each<[string, (attempt: number) => Uint8Array | undefined, string, string]>([
    ['another snapshot', () => new Uint8Array(5), 'mismatch', 'It serves another snapshot'],
    ['none', () => undefined, 'not-found', 'answered 404'],
  ])('when it is %s, is not live, also if the bucket has it', async (_name, answer, code, message) => {
    const edge = await edgeOf(answer);
    const refused = { code, message: expect.stringContaining(message) };
    await expect(expectServed(edge, signed, SILENT, 1)).rejects.toMatchObject(refused);
  });

  test('is asked for when the bucket says that it is live already', async () => {
    const store = await startCarelessStore('keeping', /^nothing$/);
    await publish({ ...OPTIONS, bucket: store.bucket });
    let asked = 0;
    const edge = await edgeOf(() => {
      asked += 1;
      return signed.root;
    });
    expect(await publish({ ...OPTIONS, bucket: store.bucket, edge })).toMatchObject({ changed: false });
    expect(asked).toBe(1);
    store.close();
  });
});
