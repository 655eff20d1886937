import { constants, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { rawZstdFrame } from '../../format/zstd.ts';

const BLOCK = 128 * 1024;
const sample = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, index) => (index * 31) % 251);

describe('a zstd frame of raw blocks', () => {
  it.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 1024 * 1024])(
    "when it holds %i bytes, the runtime's decompressor gives them back",
    (size) => {
      const content = sample(size);
      expect(zstdDecompressSync(rawZstdFrame(content)).equals(content)).toBe(true);
    },
  );

  it('when it is made twice, is the same bytes, as they were in every release', () => {
    expect(Buffer.from(rawZstdFrame(Uint8Array.of(1, 2, 3))).toString('hex')).toBe(
      '28b52ffda003000000190000010203',
    );
    expect(Buffer.from(rawZstdFrame(new Uint8Array())).toString('hex')).toBe('28b52ffda000000000010000');
  });

  it('when a client decompresses it, it knows the size beforehand and needs no large window', () => {
    const params = { [constants.ZSTD_d_windowLogMax]: 20 };
    expect(zstdDecompressSync(rawZstdFrame(sample(1024 * 1024)), { params }).length).toBe(1024 * 1024);
  });

  it('when its content is a part of a larger buffer, holds that part alone', () => {
    const part = sample(100).subarray(10, 20);
    expect(zstdDecompressSync(rawZstdFrame(part)).equals(part)).toBe(true);
  });
});
