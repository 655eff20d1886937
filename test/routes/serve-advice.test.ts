import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { localPath } from '../../builder/directory/paths.ts';
import { serveDirectory } from '../../builder/serve.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { jsonOf, send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BOTTLE = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
/** What only somebody with a Worker and a bucket can do. */
const OF_A_WORKER = /TRUSTED_KEYS|MIRROR_ID|wrangler|publish|bucket|--account/;

const directory = join(await temporaryFolder(), 'mirror');
await makeMirror(directory, { request: { ...REQUEST, packages: ['jq'], casks: [] } });

async function start(trusted: PublicKey): Promise<string> {
  const server = await serveDirectory({
    ...{ directory, host: '127.0.0.1', port: 0, trusted: [trusted], clock: () => new Date() },
    // Below a file: a mirror without files on demand needs no cache.
    cache: join(directory, 'manifest.json', 'cache'),
  });
  onTestFinished(() => server.close());
  return server.origin;
}

test('of a folder, advice is about the folder and the options of serve', async () => {
  const origin = await start(TEST_KEY.publicKey);
  const [other, late] = [await start(OTHER_KEY.publicKey), await start(TEST_KEY.publicKey)];
  await writeFile(localPath(directory, BOTTLE), 'other bytes');
  const damaged = jsonOf(await send(origin, `/${BOTTLE}`));
  await rm(localPath(directory, BOTTLE));
  const missing = jsonOf(await send(origin, `/${BOTTLE}`));
  const changing = jsonOf(await send(origin, '/', { method: 'PUT' }));
  const untrusted = jsonOf(await send(other, `/${BOTTLE}`));
  await rm(localPath(directory, 'snapshot/root.json'));
  const gone = jsonOf(await send(late, `/${BOTTLE}`));
  const problems = [damaged, missing, changing, untrusted, gone];
  expect(problems.map(({ code }) => code)).toEqual([
    ...['mismatch', 'missing', 'read-only', 'bad-signature', 'unpublished'],
  ]);
  for (const { hint } of problems) {
    expect(hint).toEqual(expect.any(String));
    expect(hint).not.toMatch(OF_A_WORKER);
  }
  expect(damaged.hint).toContain('stout-mirror verify DIR');
  expect(untrusted.hint).toContain('--trust');
});
