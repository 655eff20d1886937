import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { isSha256 } from '../format/is-sha256.ts';
import type { StoredRecord } from '../format/store.ts';

const SHA256 = 32;
const MD5 = 16;
const SIZE = 8;
/** One record: the digest that names the object, its MD5, its size, and which of the digests storage recorded. */
const WIDTH = SHA256 + MD5 + SIZE + 1;
const HAS_SHA256 = 1;
const HAS_MD5 = 2;
/** Storage recorded another SHA-256 than the name. */
const IS_DOUBTFUL = 4;

/** One page of a listing. */
interface Page {
  /** The names of the first and the last object. */
  first: string;
  last: string;
  bytes: Uint8Array;
}

/**
 * What storage recorded of each object whose name is a SHA-256, in 57 bytes for each. Pages are added in the order in which
 * storage lists them, by name. Of an object that storage recorded with another SHA-256 than its name nothing is known but that it
 * is there: its own record must be read.
 */
export class RecordTable {
  readonly #pages: Page[] = [];

  /** Adds a page of a listing: names and records, sorted by name. */
  add(listed: readonly (readonly [sha256: string, record: StoredRecord])[]): void {
    const kept = listed.filter(([name]) => isSha256(name));
    const [first, last] = [kept[0]?.[0], kept.at(-1)?.[0]];
    if (first === undefined || last === undefined) return;
    const bytes = new Uint8Array(kept.length * WIDTH);
    kept.forEach(([name, record], index) => {
      write(bytes.subarray(index * WIDTH, (index + 1) * WIDTH), name, record);
    });
    this.#pages.push({ first, last, bytes });
  }

  /** Returns the record of an object; `undefined` if it was not listed, or is doubtful. */
  get(sha256: string): StoredRecord | undefined {
    const row = this.#rowOf(sha256);
    return row && !((row[WIDTH - 1] ?? 0) & IS_DOUBTFUL) ? read(row, sha256) : undefined;
  }

  /** Returns true if an object was listed, whatever its record is. */
  has(sha256: string): boolean {
    return this.#rowOf(sha256) !== undefined;
  }

  #rowOf(sha256: string): Uint8Array | undefined {
    const page = this.#pages[firstIndex(this.#pages.length, (index) => this.#lastOf(index) >= sha256)];
    if (!page || page.first > sha256) return undefined;
    const wanted = hexToBytes(sha256);
    const count = page.bytes.length / WIDTH;
    const row = (index: number) => page.bytes.subarray(index * WIDTH, (index + 1) * WIDTH);
    const at = firstIndex(count, (index) => compare(row(index), wanted) >= 0);
    return at < count && compare(row(at), wanted) === 0 ? row(at) : undefined;
  }

  /** Bytes of all records. */
  get byteLength(): number {
    return this.#pages.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  #lastOf(index: number): string {
    return this.#pages[index]?.last ?? '';
  }
}

function write(row: Uint8Array, name: string, { size, sha256, md5 }: StoredRecord): void {
  row.set(hexToBytes(name));
  if (md5 !== undefined) row.set(hexToBytes(md5), SHA256);
  new DataView(row.buffer, row.byteOffset).setFloat64(SHA256 + MD5, size);
  const doubt = sha256 === undefined || sha256 === name ? 0 : IS_DOUBTFUL;
  row[WIDTH - 1] = (sha256 === undefined ? 0 : HAS_SHA256) | (md5 === undefined ? 0 : HAS_MD5) | doubt;
}

function read(row: Uint8Array, name: string): StoredRecord {
  const digests = row[WIDTH - 1] ?? 0;
  return {
    size: new DataView(row.buffer, row.byteOffset).getFloat64(SHA256 + MD5),
    sha256: digests & HAS_SHA256 ? name : undefined,
    md5: digests & HAS_MD5 ? bytesToHex(row.subarray(SHA256, SHA256 + MD5)) : undefined,
  };
}

/** Returns the first of `count` indices for which `holds` is true, as it is for all after it; `count` if there is none. */
function firstIndex(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Compares the name of a row with a digest, byte by byte. */
function compare(row: Uint8Array, wanted: Uint8Array): number {
  for (let at = 0; at < SHA256; at++) {
    const difference = (row[at] ?? 0) - (wanted[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
