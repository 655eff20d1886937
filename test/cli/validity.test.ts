import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { commandLine } from '../support/command-line.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';

const DAY = 86_400;
const folder = await temporaryFolder();
const environment = { XDG_CONFIG_HOME: join(folder, 'config'), MIRROR_SIGNING_KEY: '' };
const run = (...args: string[]) => commandLine(args, environment);

/** Returns the days for which a mirror is signed. */
async function daysOf(directory: string): Promise<number> {
  const { created_at, expires_at } = (await readContents(directory))?.snapshot ?? {};
  return (Date.parse(expires_at ?? '') - Date.parse(created_at ?? '')) / 1000 / DAY;
}

test('a mirror keeps for how long it is signed, until another time is asked for', async () => {
  const mirror = join(folder, 'mirror');
  const source = ['--upstream', inject('upstream')];
  const days = async (...args: string[]): Promise<number> => {
    const { status, stderr } = await run(...args);
    expect(status, stderr).toBe(0);
    return daysOf(mirror);
  };
  expect(
    await days('create', mirror, 'jq', '--valid-for', '90d', '--platforms', 'x86_64_linux', ...source),
  ).toBe(90);
  expect(await days('update', mirror, ...source)).toBe(90);
  expect(await days('create', mirror, '--update', 'lz4', ...source)).toBe(90);
  expect(await days('sign', mirror)).toBe(90);
  expect(await days('sign', mirror, '--valid-for', '12h')).toBe(0.5);
  expect(await days('sign', mirror)).toBe(0.5);
  expect(await days('update', mirror, ...source)).toBe(0.5);
  // Making it again keeps what it was made with.
  expect(await days('create', mirror, 'jq', ...source)).toBe(0.5);
  expect(await days('create', mirror, 'jq', '--valid-for', '30d', ...source)).toBe(30);
});

test('config takes the age of signatures from the mirror that is served, if a trusted key signed it', async () => {
  const directory = join(folder, 'served');
  const request = { ...REQUEST, packages: ['jq'], casks: [], valid_for: 90 * DAY };
  await makeMirror(directory, { request });
  const server = await serveDirectory({
    ...{ directory, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey], clock: () => new Date() },
  });
  onTestFinished(() => server.close());
  const config = async (url: string, key = TEST_KEY, ...more: string[]) => {
    const { stdout, stderr } = await run('config', url, '--trust', publicKeyLine(key.publicKey), ...more);
    return [/max_signature_age = (\d+)/.exec(stdout)?.[1], stderr];
  };
  expect(await config(server.origin)).toEqual([String(90 * DAY), '']);
  expect(await config(server.origin, TEST_KEY, '--valid-for', '7d')).toEqual([String(7 * DAY), '']);
  const unknown = [String(30 * DAY), expect.stringContaining('says 30 days')];
  expect(await config(server.origin, OTHER_KEY)).toEqual(unknown);
  expect(await config('http://127.0.0.1:1')).toEqual(unknown);
});
