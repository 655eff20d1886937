import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { removeAbandonedParts } from '../../builder/directory/fetched.ts';
import { DirectoryStore } from '../../builder/directory/store.ts';
import { keptPath } from '../../builder/history/kept.ts';
import { blobName, fetchedKey } from '../../format/layout.ts';
import { type ByteRange, discard } from '../../format/store.ts';
import { SPECIAL_FILES } from '../support/faults/special-files.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';

const folder = await temporaryFolder();
const store = new DirectoryStore(folder);
await mkdir(join(folder, 'bottles'));

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function put(name: string, bytes: Uint8Array) {
  await writeFile(join(folder, name), bytes);
  return { name, size: bytes.length, sha256: sha256Of(bytes), md5: '', modified: 0 };
}

async function read(...question: Parameters<DirectoryStore['open']>): Promise<Buffer | undefined> {
  const file = await store.open(...question);
  return file && Buffer.from(await new Response(file.body).arrayBuffer());
}

const large = randomBytes(1_000_000);

test('a large file comes whole, or any range of it', async () => {
  const entry = await put('bottles/large', large);
  const file = (await store.open(entry)) ?? expect.unreachable();
  expect(file.record).toEqual({ size: large.length, sha256: sha256Of(large) });
  await discard(file.body);
  expect(large.equals((await read(entry)) ?? Buffer.of())).toBe(true);
  for (const [offset, length] of [
    [0, 1],
    [262_143, 2],
    [100, 999_900],
    [999_999, 1],
  ] as const) {
    expect(await read(entry, { offset, length })).toEqual(large.subarray(offset, offset + length));
  }
});

test.skipIf(process.platform !== 'linux')(
  'a file that fails while it is read is named, without its place here',
  async () => {
    // Reading the first bytes of this one fails with EIO.
    const broken = new DirectoryStore('/proc/self');
    const entry = { name: 'mem', size: 0, sha256: '', md5: '', modified: 0 };
    const error = failing('upstream', { where: 'mem', message: 'mem cannot be read: EIO.' });
    await expect(broken.open(entry)).rejects.toEqual(error);
    await expect(broken.head(entry)).rejects.toEqual(error);
  },
);

test('a large file that is cut while it is read is an error, not a shorter file', async () => {
  const entry = await put('bottles/cut', large);
  const file = await store.open(entry);
  await truncate(join(folder, entry.name), 300_000);
  await expect(new Response(file?.body).arrayBuffer()).rejects.toThrow(
    'The file ends after 300000 of 1000000',
  );
});

describe('a large file that is changed while it is sent', () => {
  const RANGES = [undefined, { offset: 0, length: 1_000_000 }, { offset: 100, length: 999_800 }];

  /** Begins to read a file, changes it, and reads on. */
  async function readAcross(name: string, change: (path: string) => Promise<unknown>, range?: ByteRange) {
    const entry = await put(`bottles/${name}`, large);
    const { body } = (await store.open(entry, range)) ?? expect.unreachable();
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    const parts = [(await reader.read()).value];
    await change(join(folder, entry.name));
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(parts.filter((part) => part !== undefined));
      parts.push(value);
    }
  }

  const overwrite = (at: number) => async (path: string) => {
    const file = await open(path, 'r+');
    await file.write('forged', at);
    await file.close();
  };

  test.each(RANGES)(
    'when bytes of it are overwritten, the last piece of %j does not go out',
    async (range) => {
      const changed = failing('mismatch', {
        message: expect.stringContaining('was changed while it was sent.'),
      });
      for (const at of [0, 650_000, 999_990]) {
        await expect(readAcross('overwritten', overwrite(at), range)).rejects.toEqual(changed);
      }
      const secretly = async (path: string): Promise<void> => {
        const { atime, mtime } = await stat(path);
        await overwrite(650_000)(path);
        await utimes(path, atime, mtime);
      };
      await expect(readAcross('secretly', secretly, range)).rejects.toEqual(changed);
    },
  );

  test('when only its names change, as in an update, it comes whole', async () => {
    for (const change of [(path: string) => rm(path), (path: string) => link(path, `${path}.second`)]) {
      expect(large.equals(await readAcross('renamed', change))).toBe(true);
      await rm(join(folder, 'bottles/renamed'), { force: true });
    }
  });
});

describe.each(SPECIAL_FILES)('what is %s', (what, make) => {
  test('is not as signed, and its place on this machine is not named', { timeout: 5_000 }, async () => {
    const entry = await put(`bottles/${what.replaceAll(' ', '-')}`, Buffer.from(what));
    await rm(join(folder, entry.name));
    await make(join(folder, entry.name));
    for (const ask of [store.open(entry), store.head(entry)]) {
      const error = await ask.catch((reason: unknown) => reason);
      expect(error).toEqual(failing('mismatch', { where: entry.name }));
      expect(String(error)).not.toContain(folder);
    }
  });
});

test('a file that is longer than listed is not read', { timeout: 5_000 }, async () => {
  const entry = await put('bottles/sparse', large);
  await truncate(join(folder, entry.name), 8e12);
  expect(await store.head(entry)).toEqual({ size: 8e12 });
  const { record, body } = (await store.open(entry)) ?? expect.unreachable();
  expect(record).toEqual({ size: 8e12 });
  await discard(body);
});

test('a small file that was read stays what was signed, and the one that takes its place is read', async () => {
  const entry = await put('bottles/small', Buffer.from('before'));
  expect(String(await read(entry))).toBe('before');
  const later = await put('bottles/small', Buffer.from('after!'));
  expect(String(await read(entry, { offset: 2, length: 3 }))).toBe('for');
  expect((await store.head(entry))?.sha256).toBe(later.sha256);
  expect(String(await read(later))).toBe('after!');
});

test('a small file that was withdrawn is not sent from memory after the next look at the root', async () => {
  const entry = await put('bottles/withdrawn', Buffer.from('small'));
  const kept = join(folder, keptPath(blobName(entry.sha256)));
  await mkdir(dirname(kept), { recursive: true });
  await writeFile(kept, 'small');
  const sizeNow = async () => (await store.open(entry))?.record.size;
  expect([await sizeNow(), await sizeNow()]).toEqual([5, 5]);
  await writeFile(kept, '');
  await rm(join(folder, entry.name));
  await store.signedRoot().catch(() => undefined);
  expect(await sizeNow()).toBe(0);
});

test('a small file that is not as signed has the record of what it is', async () => {
  const entry = await put('bottles/altered', Buffer.from('signed'));
  await put('bottles/altered', Buffer.from('forged'));
  expect((await store.open(entry))?.record.sha256).toBe(sha256Of(Buffer.from('forged')));
  expect(await read({ ...entry, name: 'bottles/none' })).toBeUndefined();
});

describe('a cache folder', () => {
  const bytes = Buffer.from('fetched');
  const wanted = {
    name: 'casks/x-1.dmg',
    sha256: sha256Of(bytes),
    modified: 1,
    source: 'https://files.example/x',
  };
  const key = fetchedKey(wanted.sha256);
  const keep = (cached: DirectoryStore) => cached.keep(wanted, bytes.length, new Blob([bytes]).stream());

  test('when a file in it has other bytes, has none, and the next fetch replaces that', async () => {
    const cache = join(folder, 'damaged-cache');
    const cached = new DirectoryStore(folder, cache);
    await keep(cached);
    expect((await cached.head(wanted))?.size).toBe(bytes.length);
    await writeFile(join(cache, key), 'other bytes');
    expect([await cached.head(wanted), await cached.open(wanted)]).toEqual([undefined, undefined]);
    await keep(cached);
    expect((await cached.head(wanted))?.sha256).toBe(wanted.sha256);
  });

  test.each([
    ['below a file', () => writeFile(join(folder, 'file'), ''), 'file/cache', 'ENOTDIR'],
    [
      'whose fetched is a link',
      async () => {
        await mkdir(join(folder, 'linked'));
        await symlink(folder, join(folder, 'linked', 'fetched'));
      },
      'linked',
      'a link or a special file',
    ],
  ])('%s has no file and keeps none, and says why', async (_which, make, path, reason) => {
    await make();
    const cached = new DirectoryStore(folder, join(folder, path));
    expect([await cached.head(wanted), await cached.open(wanted)]).toEqual([undefined, undefined]);
    await expect(keep(cached)).rejects.toEqual(
      failing('upstream', { message: expect.stringContaining(reason) }),
    );
    await expect(removeAbandonedParts(join(folder, path), new Date())).rejects.toThrow();
  });
});
