import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';

const compress = promisify(gzip);

/** Offset of the byte that names the operating system (RFC 1952 section 2.3), and its value for none in particular. */
const SYSTEM = { at: 9, unknown: 255 };

/** Returns bytes compressed with gzip, as small as zlib can. Neither the time nor the operating system changes the result. */
export async function gzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const result = await compress(bytes, { level: constants.Z_BEST_COMPRESSION });
  result[SYSTEM.at] = SYSTEM.unknown;
  return result;
}
