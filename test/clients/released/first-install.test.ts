import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeMirror } from '../../support/mirror.ts';
import { needs, runProgram } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type HttpsProxy, type Passed, startProxy } from '../front.ts';
import { StoutClient } from '../stout.ts';
import { Transport } from '../transport.ts';
import { SERVERS, type Served, STOUT_REQUEST } from './servers.ts';
import { PLATFORM, ReleasedStout } from './stout.ts';

const folder = await temporaryFolder();
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'intel';

describe('the released stout', needs('stout', 'nginx', 'openssl'), () => {
  const mirror = join(folder, 'mirror');
  let proxy: HttpsProxy;
  beforeAll(async () => {
    await makeMirror(mirror, { request: STOUT_REQUEST });
    proxy = await startProxy();
  });
  afterAll(() => proxy.close());

  describe.each(SERVERS)('with %s', (_name, start) => {
    let served: Served;
    let stout: ReleasedStout;
    beforeAll(async () => {
      served = await start(mirror, folder);
      const { config, authority } = served;
      stout = await ReleasedStout.of(folder, config, { proxy: proxy.url, authority });
    });
    afterAll(() => served.close());

    /** What passes the front while something is done; downloads run side by side, so in no order. */
    async function passedDuring(work: () => Promise<unknown>): Promise<string[]> {
      const { passed } = served.front;
      const before = passed.length;
      await work();
      return passed.slice(before).map(lineOf).sort();
    }

    test('updates and installs from an empty home, and asks nobody else', async () => {
      expect(await stout.done('update')).toContain('Signature verified');
      await stout.done('install', 'jq', 'gtk+3', 'openssl@3');
      expect(await stout.runInstalled('jq')).toBe(`jq 1.7.1 ${PLATFORM}\n`);
      expect(await stout.installed()).toEqual(
        expect.arrayContaining(['gtk+3', 'jq', 'oniguruma', 'openssl@3']),
      );
      expect(proxy.hosts).toEqual([]);
      expect(served.front.passed.filter(({ status }) => status !== 200)).toEqual([]);
    });

    test('after the step that `config` prints for 0.2.2, does so too', async () => {
      const { config, authority } = served;
      const careful = await ReleasedStout.of(folder, config, { proxy: proxy.url, authority });
      const [step = ''] = /(?<=^# {3})rm .*$/m.exec(config) ?? [];
      await runProgram('sh', ['-ec', step], { HOME: careful.home });
      expect(await readFile(careful.pathOf('.stout/index.db'), 'utf8')).toBe('none\n');
      await careful.done('update');
      await careful.done('install', 'jq');
      expect(await careful.installed()).toEqual(['jq', 'oniguruma']);
    });

    test('sends the requests that our own client sends', async () => {
      const { config, authority } = served;
      const transport = new Transport(authority ? { ca: await readFile(authority, 'utf8') } : {});
      const own = new StoutClient({ config, platform: PLATFORM, folder, transport });
      const released = await ReleasedStout.of(folder, config, { proxy: proxy.url, authority });
      const isSame = async (theirs: () => Promise<unknown>, ours: () => Promise<unknown>): Promise<void> =>
        expect(await passedDuring(ours)).toEqual(await passedDuring(theirs));
      await isSame(
        () => released.done('update'),
        () => own.update(),
      );
      await isSame(
        () => released.done('upgrade'),
        () => own.updateIfNewer(),
      );
      await isSame(
        () => released.done('info', 'jq'),
        () => own.info('jq'),
      );
      await isSame(
        () => released.done('install', 'gtk+3', 'jq'),
        async () => own.install('jq', new Map((await own.install('gtk+3')).map((one) => [one.name, one]))),
      );
      // A disk image is not for Linux: stout says so once it has it.
      await isSame(
        () => released.run('install', '--cask', 'firefox'),
        () => own.installCask('firefox', ARCHITECTURE),
      );
    });
  });
});

/** Writes down a request with every header that may decide about the answer, and the status that it got. */
function lineOf({ method, path, headers, status }: Passed): string {
  const { host, connection, ...rest } = headers;
  return `${status} ${method} ${path} ${JSON.stringify(Object.entries(rest).sort())}`;
}
