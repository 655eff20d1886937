import { link, mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { beforeAll, describe, expect, test } from 'vitest';
import { unbundle } from '../../builder/bundle/unbundle.ts';
import { incomingDirectory } from '../../builder/directory/paths.ts';
import { hasCode } from '../../format/errors.ts';
import { SEED } from '../support/faults/results.ts';
import { TEST_KEY } from '../support/keys.ts';
import { needs, runProgram } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BundleWorld, END, FORMULAS, filesOf, open } from './world.ts';

const world = new BundleWorld(await temporaryFolder());
const { at, mirror } = world;
const ALPHA = 'bottles/alpha-1.0.all.bottle.tar.gz';
const MEGABYTE = 1024 * 1024;
let whole = Buffer.alloc(0);
let folders = 0;

beforeAll(async () => {
  await world.make(FORMULAS);
  await world.outside('bundle', mirror, '-o', at('whole.tar'));
  whole = await readFile(at('whole.tar'));
});

/** Applies an archive from a stream to a new folder; returns what is wrong with it. */
async function apply(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  const directory = at(`hostile-${++folders}`);
  const stdin = Readable.from(chunks, { objectMode: false });
  const options = { directory, parts: ['-'], stdin, trusted: [TEST_KEY.publicKey], now: new Date() };
  const folder = at('users', String(folders));
  try {
    await unbundle({ ...options, allowOlder: false, cache: folder, stateFolder: folder, reporter: SILENT });
  } catch (error) {
    expect(await filesOf(directory)).toEqual({});
    const incoming = await readdir(incomingDirectory(directory)).catch(() => []);
    expect(incoming.filter((name) => name.endsWith('.part'))).toEqual([]);
    if (!hasCode(error, 'refused', 'mismatch', 'bad-input', 'bad-signature', 'too-large', 'missing'))
      throw error;
    return `${error.code}: ${error.message} Expected: ${error.expected}`;
  }
  expect(await filesOf(directory)).toEqual(await filesOf(mirror));
  return 'applied';
}

/** What GNU tar writes of files in a folder of their own. */
async function tarOf(make: (folder: string) => Promise<unknown>, ...args: string[]): Promise<Buffer> {
  const folder = at(`members-${++folders}`);
  await mkdir(folder);
  await make(folder);
  const archive = `${folder}.tar`;
  const { status, stderr } = await runProgram('tar', ['-C', folder, '-cf', archive, ...args]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return readFile(archive);
}

/** A header as POSIX has it (pax Interchange Format), whatever it says. */
function header(name: string, size: number | Buffer, type: string, prefix = ''): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write(`0000644\0${'0000000\0'.repeat(2)}`, 100);
  if (typeof size === 'number') block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else size.copy(block, 124);
  block.write(`${'0'.repeat(11)}\0        ${type}`, 136);
  block.write('ustar\x0000', 257);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
const record = (text: string): string => {
  const length = text.length + 2;
  return `${length + String(length + 2).length - 1} ${text}\n`;
};
const pax = (text: string): Buffer =>
  Buffer.concat([header('PaxHeader', text.length, 'x'), padded(Buffer.from(text))]);
/** A size in base 256, as GNU tar writes those of 8 GiB and more. */
const binary = (first: number, last: bigint): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes[0] = first;
  bytes.writeBigUInt64BE(last, 4);
  return bytes;
};
const file =
  (name: string, content = 'x') =>
  (folder: string) =>
    writeFile(join(folder, name), content);

describe('a bundle that goes on with members of an attacker', needs('tar'), () => {
  const CASES: [string, () => Promise<Buffer> | Buffer, RegExp][] = [
    [
      'a file outside',
      () => tarOf(file('evil'), '-P', '--transform=s|^|../../|', 'evil'),
      /"\.\.\/\.\.\/evil" .* not on the signed list/,
    ],
    [
      'an absolute path',
      () => tarOf(file('evil'), '-P', '--transform=s|^|/etc/|', 'evil'),
      /"\/etc\/evil" .* not on the signed list/,
    ],
    [
      'a file of the builder',
      () => header('.stout-mirror/journal.json', 0, '0'),
      /journal\.json" .* not on the signed list/,
    ],
    [
      'a root of its own',
      () => header('snapshot/root.json', 0, '0'),
      /root\.json" .* not on the signed list/,
    ],
    [
      'a link',
      () => tarOf((folder) => symlink('/etc', join(folder, 'bottles')), 'bottles'),
      /"bottles" .* is a symlink/,
    ],
    [
      'a second name of a file',
      () =>
        tarOf(
          async (folder) => {
            await file('a')(folder);
            await link(join(folder, 'a'), join(folder, 'b'));
          },
          '--transform=flags=r;s|^a$|bundle.json|',
          'a',
          'b',
        ),
      /bundle\.json/,
    ],
    ['only a second name', () => header(ALPHA, 0, '1'), /is a link/],
    ['a pipe', () => header('pipe', 0, '6'), /"pipe" .* is a fifo/],
    ['a device', () => header('disk', 0, '4'), /"disk" .* is a block-device/],
    ['a terminal', () => header('tty', 0, '3'), /"tty" .* is a character-device/],
    ['a folder', () => tarOf((folder) => mkdir(join(folder, 'bottles')), 'bottles'), /is a directory/],
    [
      'a sparse file of GNU',
      () =>
        tarOf(
          async (folder) => {
            await file('hole')(folder);
            await truncate(join(folder, 'hole'), 10 * MEGABYTE);
          },
          '--sparse',
          '--format=gnu',
          'hole',
        ),
      /"hole" .* is a file of an unknown kind/,
    ],
    [
      'a sparse file of POSIX',
      () =>
        tarOf(
          async (folder) => {
            await file('hole')(folder);
            await truncate(join(folder, 'hole'), 10 * MEGABYTE);
          },
          '--sparse',
          '--format=posix',
          'hole',
        ),
      /has the extended header "GNU\.sparse/,
    ],
    [
      'another size in an extended header',
      () => Buffer.concat([pax(record('size=5')), header(ALPHA, 0, '0')]),
      /extended header "size"/,
    ],
    [
      'another size for all',
      () =>
        Buffer.concat([
          header('g', 9, 'g'),
          padded(Buffer.from(record('size=5'))),
          pax('6 a=b\n'),
          header(ALPHA, 0, '0'),
        ]),
      /extended header/,
    ],
    [
      'a header for all that comes after',
      () =>
        Buffer.concat([
          header('g', 9, 'g'),
          padded(Buffer.from(record('uid=5'))),
          header(ALPHA, 140_000, '0'),
        ]),
      /has a header that no bundle has/,
    ],
    [
      'a long name of GNU',
      () => tarOf(file('x'.repeat(120)), '--format=gnu', 'x'.repeat(120)),
      /has a header that no bundle has/,
    ],
    ['an extended header of megabytes', () => header('PaxHeader', 5 * MEGABYTE, 'x'), /exceeds max size/],
    ['a name of megabytes', () => header('././@LongLink', 5 * MEGABYTE, 'L'), /exceeds max size/],
    ['a file again', () => header(ALPHA, 140_000, '0'), /twice/],
    ['a size of 2^63', () => header('index/evil', binary(0x80, 2n ** 63n), '0'), /not on the signed list/],
    ['a negative size', () => header(ALPHA, binary(0xff, 2n ** 64n - 5n), '0'), /Invalid header/],
    ['a size that is no number', () => header(ALPHA, Buffer.from('ninety-nine\0'), '0'), /Invalid header/],
    ['what is not tar', () => Buffer.alloc(1024, 'GIF89a'), /Invalid tar header/],
    ['half a header', () => header(ALPHA, 0, '0').subarray(0, 200), /or is damaged/],
    ['another bundle', () => whole, /is part 1, which standard input is too/],
  ];

  test.each(CASES)('%s is refused by name', async (_name, made, message) => {
    expect(await apply([open(whole), await made(), END])).toMatch(message);
  });
});

describe('a bundle', () => {
  /** The whole bundle with the size of alpha's bottle as these bytes. */
  const withSize = (size: number | Buffer): Buffer => {
    const start = whole.indexOf(`${ALPHA}\0`);
    return Buffer.concat([whole.subarray(0, start), header(ALPHA, size, '0'), whole.subarray(start + 512)]);
  };

  test('with another size of a file is refused before its bytes are read', async () => {
    for (const size of [139_999, 0, 140_001, binary(0x80, 2n ** 40n)])
      expect(await apply([withSize(size)])).toMatch(/^mismatch: bottles\/alpha.* Expected: 140000 bytes$/);
    expect(await apply([withSize(140_000)])).toBe('applied');
  });

  test('that never ends is refused when more has come than its list allows', async () => {
    const endless = function* (chunk: Buffer) {
      yield open(whole);
      for (;;) yield chunk;
    };
    const header5 = Buffer.concat(Array.from({ length: 100 }, () => pax(record('comment=x'))));
    for (const chunk of [Buffer.alloc(MEGABYTE), header5]) {
      expect(await apply(endless(chunk))).toMatch(/^too-large: standard input/);
    }
    expect(await apply(nothingBut(Buffer.alloc(MEGABYTE)))).toMatch(/^too-large: standard input/);
  });

  test('that ends after some of its files is refused, and names those that it lacks', async () => {
    const end = whole.indexOf(`${ALPHA}\0`);
    expect(await apply([whole.subarray(0, end)])).toMatch(
      /^missing: standard input lacks files(?:.|\n)*alpha-1\.0/,
    );
  });

  test('whose head is too long, or not in its place, is refused', async () => {
    expect(await apply([header('bundle.json', 65 * 1024, '0'), Buffer.alloc(MEGABYTE)])).toMatch(
      /^too-large: bundle\.json/,
    );
    expect(await apply([header(ALPHA, 5, '0'), padded(Buffer.from('alpha')), END])).toMatch(
      /^bad-input: .*bundle\.json is not in its place/,
    );
    const forAll = padded(Buffer.from(record('uid=5')));
    expect(await apply([header('g', 9, 'g'), forAll, whole])).toMatch(
      /^refused: "bundle\.json" .* has a header that no bundle has/,
    );
    expect(await apply([])).toMatch(/^bad-input: .*bundle\.json is not in its place/);
    expect(await apply([END])).toMatch(/^bad-input/);
  });

  test('in which a part would come after the last is refused', async () => {
    const about = Buffer.from('{"part":2,"parts":1,"since":null}');
    expect(await apply([header('bundle.json', about.length, '0'), padded(about), END])).toMatch(
      /^bad-input: bundle\.json/,
    );
  });

  /**
   * Cuts and flips bits, half of them at members and around their headers, which are a small part of the bytes. Padding and times
   * of a header are all that may differ unnoticed.
   */
  async function damage(rounds: number): Promise<Set<string>> {
    const random = new Random(SEED);
    const blocks = Array.from({ length: whole.length / 512 }, (_, block) => block * 512);
    const headers = blocks.filter((at) => whole.toString('latin1', at + 257, at + 262) === 'ustar');
    const results = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      const bytes = Buffer.from(whole);
      const start = headers[random.below(headers.length)] ?? 0;
      const anywhere = random.below(bytes.length);
      const isNear = random.chance(50);
      if (random.chance(30)) {
        const end = isNear ? start : anywhere;
        results.add((await apply([bytes.subarray(0, end)])).split(':')[0] ?? '');
      } else {
        const at = isNear ? Math.max(start + random.below(512) - 256, 0) : anywhere;
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        results.add((await apply([bytes])).split(':')[0] ?? '');
      }
    }
    return results;
  }

  test(`that is cut off or has one bit of seed ${SEED} changed is refused, or gives the same mirror`, async () => {
    expect((await damage(8)).size).toBeGreaterThan(0);
  });

  test(`that is cut off or has a bit changed, at length`, { tags: 'long' }, async () => {
    expect((await damage(300)).size).toBeGreaterThan(2);
  });
});

function* nothingBut(chunk: Buffer): Generator<Buffer> {
  for (;;) yield chunk;
}
