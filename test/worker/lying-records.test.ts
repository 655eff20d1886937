import { zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { PACKAGE_LIST } from '../../format/layout.ts';
import { createApp } from '../../worker/app.ts';
import { parseSettings } from '../../worker/settings.ts';
import { hexOf, KEY, NOW, signMirror } from '../format/support.ts';
import { verifying } from './verification/support.ts';

const JQ = 'index/formulas/data/j/jq.json.zst';
const MIRROR = signMirror({ files: () => ({ [JQ]: zstdCompressSync('{"name":"jq"}') }) });

/** What is sent as it stands is trusted to storage's record of it; what is read here is hashed here. */
test.each([
  ['/api/v1/packages', PACKAGE_LIST],
  [`/${JQ}`, JQ],
])(
  'when %s is made from a file that storage recorded well and delivers wrong, it is refused',
  async (target, path) => {
    const { store } = verifying({}, MIRROR);
    const settings = { ...parseSettings({}), trusted: [KEY.publicKey] };
    const ask = () => createApp({ store, settings, clock: () => NOW }).request(target);
    expect((await ask()).status).toBe(200);
    const good = MIRROR.files.get(path) ?? expect.unreachable();
    store.files.set(
      path,
      Uint8Array.from(good, (byte, at) => (at === good.length - 1 ? byte ^ 1 : byte)),
    );
    store.recordOf = () => ({ size: good.length, sha256: hexOf('sha256', good) });
    const refused = await ask();
    expect([refused.status, refused.headers.get('mirror-error')]).toEqual([424, 'mismatch']);
    expect(await refused.text()).toContain(hexOf('sha256', good));
  },
);

test.each([
  ['GET', {}],
  ['GET', { range: 'bytes=0-3' }],
  ['HEAD', {}],
])('when storage recorded other bytes of a bottle, a %s with %j is refused', async (method, headers) => {
  const { store } = verifying({}, MIRROR);
  const settings = { ...parseSettings({}), trusted: [KEY.publicKey] };
  const bottle = [...MIRROR.files.keys()].find((path) => path.startsWith('bottles/'));
  const ask = () =>
    createApp({ store, settings, clock: () => NOW }).request(`/${bottle}`, { method, headers });
  expect((await ask()).ok).toBe(true);
  store.recordOf = ({ length }) => ({ size: length, sha256: 'a'.repeat(64) });
  const refused = await ask();
  expect([refused.status, refused.headers.get('mirror-error')]).toEqual([424, 'mismatch']);
});
