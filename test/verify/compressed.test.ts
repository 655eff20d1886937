import { mkdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { utf8 } from '../../format/bytes.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { signMirror } from '../format/support.ts';
import { TEST_KEY } from '../support/keys.ts';
import { needs, runProgram } from '../support/programs.ts';
import { writeMirror } from '../support/runtimes.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

const PATH = 'api/cask.jws.json';
const PLAIN = utf8(JSON.stringify({ payload: 'x'.repeat(1000) }));
const folder = await temporaryFolder();
let mirrors = 0;

/** A signed mirror with one of Homebrew's files and what is said to be its compressed form. */
async function mirrorWith(compressed: Uint8Array, path = PATH): Promise<string> {
  const directory = join(folder, String(mirrors++));
  await mkdir(directory);
  await writeMirror(
    directory,
    signMirror({ now: new Date(), files: () => ({ [path]: PLAIN, [`${PATH}.gz`]: compressed }) }),
  );
  return directory;
}

async function failuresOf(directory: string): Promise<string[]> {
  const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
  return (await verifyDirectory(directory, options)).failures.map(({ path }) => path);
}

const zip = (bytes: Uint8Array): Uint8Array => new Uint8Array(gzipSync(bytes));

// Whoever signs decides on all bytes: only what the two say of each other can show that one of them is wrong.
test.each<[what: string, compressed: Uint8Array, path?: string]>([
  ['other bytes', zip(utf8('{"payload":"y"}'))],
  ['one byte more', zip(utf8(`${new TextDecoder().decode(PLAIN)}\n`))],
  ['one byte less', zip(PLAIN.subarray(1))],
  ['twenty megabytes of nothing', zip(new Uint8Array(20_000_000))],
  ['a cut', zip(PLAIN).subarray(0, -9)],
  ['no gzip', PLAIN],
  ['nothing', utf8('')],
  ['two members', Buffer.concat([zip(PLAIN.subarray(0, 9)), zip(PLAIN.subarray(9))])],
  ['a member behind an empty one', Buffer.concat([zip(utf8('')), zip(PLAIN)])],
  ['zeros after it', Buffer.concat([zip(PLAIN), Buffer.alloc(9)])],
  ['garbage after it', Buffer.concat([zip(PLAIN), Buffer.from('garbage'), zip(PLAIN).subarray(-8)])],
  ['another checksum', Buffer.concat([zip(PLAIN).subarray(0, -8), Buffer.alloc(8)])],
  ['a file that is not listed', zip(PLAIN), 'api/formula.jws.json'],
])('when a signed compressed file decodes to %s, verification names it', async (_what, compressed, path) => {
  expect(await failuresOf(await mirrorWith(compressed, path))).toContain(`${PATH}.gz`);
});

test('when it decodes to the file beside it, that is evidence, whatever the header says besides', async () => {
  const named = Buffer.concat([zip(PLAIN).subarray(0, 10), utf8('cask.jws.json\0'), zip(PLAIN).subarray(10)]);
  named[3] = 8;
  for (const compressed of [zip(PLAIN), named])
    expect(await failuresOf(await mirrorWith(compressed))).not.toContain(`${PATH}.gz`);
});

test('when it has gigabytes of holes behind its signed bytes, they are not read', async () => {
  const directory = await mirrorWith(zip(PLAIN));
  await truncate(join(directory, `${PATH}.gz`), 2 ** 36);
  const began = performance.now();
  expect(await failuresOf(directory)).toContain(`${PATH}.gz`);
  expect(performance.now() - began).toBeLessThan(5_000);
});

test(
  'when the second implementation reads them, it agrees',
  needs('python3', 'minisign', 'openssl', 'zstd'),
  async () => {
    const findings = async (compressed: Uint8Array): Promise<string> => {
      const directory = await mirrorWith(compressed);
      const key = publicKeyLine(TEST_KEY.publicKey);
      const args = ['test/docs/second-implementation.py', 'verify', directory, '--trust', key];
      return (await runProgram('python3', args)).stdout;
    };
    expect(await findings(zip(PLAIN))).not.toContain(`${PATH}.gz:`);
    for (const wrong of [
      zip(utf8('y')),
      zip(new Uint8Array(20_000_000)),
      Buffer.concat([zip(PLAIN), Buffer.alloc(9)]),
      PLAIN,
      zip(PLAIN).subarray(0, -9),
    ]) {
      expect(await findings(wrong)).toContain(`${PATH}.gz:`);
    }
  },
);
