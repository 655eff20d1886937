import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';

const zstd = promisify(zstdCompress);

const LEVEL = { [constants.ZSTD_c_compressionLevel]: 19 };

/** Compresses a document with Zstandard, level 19. Without the size, that level first clears 80 MB of tables: 60 ms instead of 0.4. */
export const compress = (bytes: Uint8Array): Promise<Uint8Array> =>
  zstd(bytes, { params: LEVEL, pledgedSrcSize: bytes.length });

/**
 * The parameters of level 19 for a file of megabytes, with smaller tables and fewer comparisons. Half of an index database is
 * checksums, in which nothing is found: level 19 spends 80 MB and half as much time again on looking, for 1 to 2 % at most.
 */
const DATABASE = {
  [constants.ZSTD_c_chainLog]: 21,
  [constants.ZSTD_c_hashLog]: 20,
  [constants.ZSTD_c_searchLog]: 6,
  [constants.ZSTD_c_targetLength]: 128,
};

/** Compresses a database with Zstandard: about as small as {@link compress}, in two thirds of the time, with 12 MB of tables. */
export const compressDatabase = (bytes: Uint8Array): Promise<Uint8Array> =>
  zstd(bytes, { params: { ...LEVEL, ...DATABASE }, pledgedSrcSize: bytes.length });
