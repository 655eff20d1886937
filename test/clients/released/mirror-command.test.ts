import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyDirectory } from '../../../builder/verify/verify-directory.ts';
import { TEST_KEY } from '../../support/keys.ts';
import { makeMirror } from '../../support/mirror.ts';
import { needs } from '../../support/programs.ts';
import { SILENT } from '../../support/silent.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type HttpsProxy, startProxy } from '../front.ts';
import { type Served, STOUT_REQUEST, serve } from './servers.ts';
import { ReleasedStout } from './stout.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');

/** The paths that are not as signed. */
async function damaged(): Promise<string[]> {
  const trusted = [TEST_KEY.publicKey];
  const { failures } = await verifyDirectory(mirror, { trusted, now: new Date(), reporter: SILENT });
  return failures.map(({ path }) => path).sort();
}

describe("stout's own `mirror` on a folder of ours", needs('stout'), () => {
  let proxy: HttpsProxy;
  let served: Served;
  let stout: ReleasedStout;

  beforeAll(async () => {
    await makeMirror(mirror, { request: STOUT_REQUEST });
    proxy = await startProxy();
    served = await serve(mirror);
    stout = await ReleasedStout.of(folder, served.config, { proxy: proxy.url });
    await stout.done('update');
  });
  afterAll(async () => {
    await served.close();
    proxy.close();
  });

  test('info, verify and outdated read it', async () => {
    expect(await stout.done('mirror', 'info', mirror)).toContain('stout-mirror');
    expect(await stout.done('mirror', 'verify', mirror)).toMatch(/\d+ files verified\n/);
    expect(await stout.done('mirror', 'outdated', mirror)).toContain('up to date');
  });

  test('prune removes files that are kept for clients of the last snapshot; making the mirror again mends it', async () => {
    const request = { ...STOUT_REQUEST, packages: ['jq'] };
    await makeMirror(mirror, { request });
    expect(await damaged()).toEqual([]);
    await stout.done('mirror', 'prune', mirror);
    const lost = await damaged();
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.filter((path) => !path.startsWith('bottles/'))).toEqual([]);
    await makeMirror(mirror, { request });
    expect(await damaged()).toEqual([]);
  });

  test('create overwrites manifest.json; making the mirror again mends it', async () => {
    await stout.run('mirror', 'create', mirror, 'jq');
    expect(await damaged()).toEqual(['manifest.json']);
    await makeMirror(mirror, { request: STOUT_REQUEST });
    expect(await damaged()).toEqual([]);
  });
});
