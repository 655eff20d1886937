import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UpstreamLocation } from '../../builder/upstream/location.ts';
import { SPECIAL_FILES } from '../support/faults/special-files.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';

const folder = await temporaryFolder();
const upstream = join(folder, 'up stream#1');
await mkdir(upstream);
await writeFile(join(upstream, 'a+b.json'), 'inside');
await writeFile(join(folder, 'secret'), 'outside');

const textOf = async (location: UpstreamLocation, reference: string, limit = 100) =>
  Buffer.from(await location.read(reference, limit)).toString();

describe('UpstreamLocation', () => {
  it.each([upstream, pathToFileURL(upstream).href])(
    'when it is the folder %s, reads its files',
    async (text) => {
      expect(await textOf(UpstreamLocation.parse(text), 'a+b.json')).toBe('inside');
    },
  );

  it.each(SPECIAL_FILES.filter(([what]) => /pipe|device|socket|folder/.test(what)))(
    'when a file of a folder is %s, refuses it and does not wait',
    { timeout: 5_000 },
    async (what, make) => {
      const name = what.replaceAll(' ', '-');
      await make(join(upstream, name));
      const location = UpstreamLocation.parse(upstream);
      await expect(textOf(location, name)).rejects.toEqual(failing('refused'));
      const { chunks } = await location.open(location.resolve(name), 0, 100);
      await expect(Array.fromAsync(chunks)).rejects.toEqual(failing('refused'));
    },
  );

  it.each([
    'http://example.com/index',
    's3://bucket/index',
    'ftp://example.com/',
    'https://',
    'http://[oops',
    'file://server/share',
    'https://user:password@example.com/',
    'https://example.com/index?token=secret',
    'https://example.com/index#part',
  ])('when it is %s, says what an upstream is', (text) => {
    expect(() => UpstreamLocation.parse(text)).toThrow(failing('usage'));
  });

  it.each([
    '../secret',
    'x/../../secret',
    '%2e%2e/secret',
    'file:///etc/passwd',
    '/etc/passwd',
    'http://[oops',
  ])('when its index names %s, refuses to read that', async (reference) => {
    const location = UpstreamLocation.parse(upstream);
    await expect(location.read(reference, 100)).rejects.toEqual(failing('bad-input'));
  });

  it('when it is on the web, refuses local files that its index names', () => {
    const location = UpstreamLocation.parse('https://example.com/index');
    expect(() => location.resolve('file:///etc/passwd')).toThrow(failing('bad-input'));
    expect(location.resolve('formulas/index.db.zst').href).toBe(
      'https://example.com/index/formulas/index.db.zst',
    );
  });

  it('when a document is missing or longer than its limit, says which', async () => {
    const location = UpstreamLocation.parse(upstream);
    await expect(location.read('none.json', 100)).rejects.toEqual(
      failing('not-found', { message: expect.stringContaining('none.json') }),
    );
    await expect(location.read('a+b.json', 5)).rejects.toEqual(failing('too-large'));
  });
});
