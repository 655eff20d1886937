import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSeen, rememberSnapshot } from '../../builder/verify/seen.ts';
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

test.each(['', 'x', '[7]', '{"0123456789ABCDEF-1":7}', '{"/a/folder":{"0123456789ABCDEF":7}}'])(
  'when the record is %j, it is damaged: nobody may make a reader forget',
  async (text) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'accepted.json'), text);
    await expect(readSeen(folder)).rejects.toMatchObject({ code: 'bad-input' });
  },
);
