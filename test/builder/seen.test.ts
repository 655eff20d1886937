import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSeen, rememberSnapshot } from '../../builder/verify/seen.ts';
import { channelOfUrl } from '../../builder/verify/served-place.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';

const [ONE, TWO] = ['0123456789ABCDEF-1', '0123456789ABCDEF-2'];
const [ours, other] = [TEST_KEY, OTHER_KEY].map(({ keyId }) => keyIdText(keyId));

test('when mirrors are verified in turn, the newest version of each by each key is remembered', async () => {
  const folder = await temporaryFolder();
  expect(await readSeen(folder)).toEqual({});
  await rememberSnapshot(folder, { mirror: ONE, version: 7 }, TEST_KEY);
  await rememberSnapshot(folder, { mirror: TWO, version: 5 }, TEST_KEY);
  await rememberSnapshot(folder, { mirror: ONE, version: 6 }, TEST_KEY);
  await rememberSnapshot(folder, { mirror: ONE, version: 3 }, OTHER_KEY);
  const seen = { [ONE]: { [ours ?? '']: 7, [other ?? '']: 3 }, [TWO]: { [ours ?? '']: 5 } };
  expect(await readSeen(folder)).toEqual(seen);
  expect(JSON.parse(await readFile(join(folder, 'accepted.json'), 'utf8'))).toEqual(seen);
});

test('each channel is remembered by itself', async () => {
  const folder = await temporaryFolder();
  await rememberSnapshot(folder, { mirror: ONE, version: 7 }, TEST_KEY);
  await rememberSnapshot(folder, { mirror: ONE, version: 9 }, TEST_KEY, 'canary');
  expect(await readSeen(folder)).toEqual({ [ONE]: { [ours ?? '']: 7 } });
  expect(await readSeen(folder, 'canary')).toEqual({ [ONE]: { [ours ?? '']: 9 } });
  expect(await readSeen(folder, 'beta')).toEqual({});
});

test.each([
  ['https://host', 'current'],
  ['https://host/mirror', 'current'],
  ['https://host/channels/canary', 'canary'],
  ['https://host/below/channels/canary', 'canary'],
  ['https://host/channels/current', 'current'],
  ['https://host/channels/..%2F..%2Fetc', 'current'],
  ['https://host/at/7', undefined],
  ['https://host/at/7-0123456789ABCDEF', undefined],
  ['https://host/at/noon', 'current'],
  ['https://host/at/9007199254740992', 'current'],
])('at %s is the channel %s', (base, channel) => {
  expect(channelOfUrl(base)).toBe(channel);
});

test.each(['', 'x', '[7]', '{"0123456789ABCDEF-1":7}', '{"/a/folder":{"0123456789ABCDEF":7}}'])(
  'when the record is %j, it is damaged: nobody may make a reader forget',
  async (text) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'accepted.json'), text);
    await expect(readSeen(folder)).rejects.toMatchObject({ code: 'bad-input' });
  },
);
