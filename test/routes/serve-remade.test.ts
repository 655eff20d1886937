import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { jsonOf, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('when a folder is remade while it is served, the next request gets what is new', async () => {
  const directory = join(await temporaryFolder(), 'mirror');
  const request = { ...REQUEST, casks: [], tags: ['x86_64_linux'] };
  await makeMirror(directory, { request: { ...request, packages: ['jq'] } });
  const server = await serveDirectory({
    ...{ directory, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey], clock: () => new Date() },
  });
  onTestFinished(() => server.close());
  const get = (path: string) => send(server.origin, path);
  expect((await get('/index/formulas.db')).status).toBe(200);
  await makeMirror(directory, { request: { ...request, packages: ['jq', 'lz4'] } });
  expect((await get('/index/formulas.db')).status).toBe(200);
  const { snapshot } = jsonOf(await get('/api/v1/health'));
  expect(snapshot.version).toBe((await readContents(directory))?.snapshot.version);
  expect((await get('/index/formulas/data/l/lz4.json.zst')).status).toBe(200);
});
