import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { hexToBytes } from '@noble/hashes/utils.js';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import {
  type IndexManifest,
  isSigned,
  parseIndexManifest,
  verifyIndex,
} from '../../format/index-manifest.ts';
import type { Kind } from '../../format/packages/kinds.ts';
import { parseJson } from '../../format/parse.ts';
import { treePath } from '../../format/paths.ts';
import { DatabaseIndex, type KindIndex, type Listed } from '../database/kind-index.ts';
import { DatabaseReader } from '../database/reader.ts';
import { withPath } from '../directory/disk-error.ts';
import type { Reporter } from '../reporter.ts';
import type { UpstreamLocation } from './location.ts';
import { placeName, type Upstream } from './upstream.ts';

const MAX_MANIFEST = 1024 * 1024;
/** Of a compressed database, which is held in memory; the database itself goes to a file. */
const MAX_COMPRESSED = 64 * 1024 * 1024;
const MAX_DATABASE = 512 * 1024 * 1024;
const MAX_PACKAGE = 16 * 1024 * 1024;

/** The key that signs stout-index when it is signed; stout trusts it by default. */
const STOUT_INDEX_KEY = {
  keyId: new Uint8Array(8),
  key: hexToBytes('e58d628836f72ecc7f6964ba2b70523d7c1c46512441ef8eccf2fa55ad0258f2'),
};

/** Names of the database that is of no kind of package: its folder, and its key in the index manifest. */
const VULNERABILITIES = { index: 'vulnerabilities', key: 'vulnerabilities' } as const;

type DatabaseName = Pick<Kind, 'index' | 'key'> | typeof VULNERABILITIES;

/** An upstream in stout-index layout, its databases fetched and checked against its manifest. */
export class StoutIndex implements Upstream {
  readonly location: UpstreamLocation;
  readonly manifest: IndexManifest;
  readonly #folder: string;
  readonly #reporter: Reporter;
  readonly #databases = new Map<string, Promise<DatabaseReader>>();

  private constructor(
    location: UpstreamLocation,
    manifest: IndexManifest,
    folder: string,
    reporter: Reporter,
  ) {
    this.#reporter = reporter;
    this.location = location;
    this.manifest = manifest;
    this.#folder = folder;
  }

  /**
   * Reads the upstream's manifest and, where it is signed, checks stout-index's signature. Databases are kept in
   * `folder`, which is made, and removed by {@link close}.
   * Throws `bad-signature`, `bad-input`, or what the location throws.
   */
  static async open(location: UpstreamLocation, folder: string, reporter: Reporter): Promise<StoutIndex> {
    const where = location.resolve('manifest.json').href;
    const manifest = parseIndexManifest(await location.read('manifest.json', MAX_MANIFEST), where);
    if (isSigned(manifest) && !verifyIndex(manifest, [STOUT_INDEX_KEY])) {
      throw new MirrorError('bad-signature', `${where} is signed, but not with stout-index's key.`, {
        where,
      });
    }
    return new StoutIndex(location, manifest, folder, reporter);
  }

  get version(): string {
    return this.manifest.version;
  }

  /** Removes the local copies of the databases. */
  async close(): Promise<void> {
    for (const database of this.#databases.values()) (await database.catch(() => undefined))?.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get name(): string {
    return placeName(this.location);
  }

  index = async (kind: Kind): Promise<KindIndex> => new DatabaseIndex(await this.#database(kind), kind);

  vulnerabilities = (): Promise<DatabaseReader> => this.#database(VULNERABILITIES);

  async describe(kind: Kind, { name, hash }: Listed): Promise<unknown> {
    if (kind.describedBy === 'row') return new DatabaseIndex(await this.#database(kind), kind).describe(name);
    const path = treePath(`${kind.index}/data/${name.charAt(0).toLowerCase()}/${name}.json.zst`);
    const reference = path.split('/').map(encodeURIComponent).join('/');
    const where = this.location.resolve(reference).href;
    const compressed = await this.location.read(reference, MAX_PACKAGE);
    if (hash !== null) expectSha256(compressed, hash, where);
    return parseJson(kind.schema, expand(compressed, MAX_PACKAGE, where), where);
  }

  /** Opens a database. Throws `mismatch` when it is not the one that the manifest describes. */
  #database(name: DatabaseName): Promise<DatabaseReader> {
    const database = this.#databases.get(name.index) ?? this.#fetchDatabase(name);
    this.#databases.set(name.index, database);
    return database;
  }

  async #fetchDatabase({ index, key }: DatabaseName): Promise<DatabaseReader> {
    const reference = `${index}/index.db.zst`;
    const where = this.location.resolve(reference).href;
    const described = this.manifest.indexes[key];
    if (!described) throw new MirrorError('not-found', `This upstream has no ${index}.`, { where });
    const compressed = await this.location.read(reference, MAX_COMPRESSED, {
      onBytes: (bytes) =>
        this.#reporter.progress({
          ...{ label: `Index of ${index}`, done: bytes < described.db_size ? 0 : 1, total: 1 },
          ...{ bytes, totalBytes: described.db_size },
        }),
    });
    expectSha256(compressed, described.db_sha256, where);
    await mkdir(this.#folder, { recursive: true });
    const path = join(this.#folder, `${index}.db`);
    await expandInto(path, compressed, MAX_DATABASE, where);
    return DatabaseReader.open(path, where);
  }
}

function expectSha256(bytes: Uint8Array, expected: string, where: string): void {
  const found = sha256Hex(bytes);
  if (found === expected) return;
  throw new MirrorError('mismatch', `${where} is not the file that the upstream's index describes.`, {
    where,
    expected,
    found,
  });
}

/** Decompresses a small document on this thread, which is faster than handing it to another. Throws `bad-input`. */
function expand(compressed: Uint8Array, limit: number, where: string): Uint8Array {
  try {
    return zstdDecompressSync(compressed, { maxOutputLength: limit });
  } catch (cause) {
    throw notExpanded(where, cause);
  }
}

/** Decompresses into a file, piece by piece. Throws `bad-input`, also for more than `limit` bytes. */
async function expandInto(path: string, compressed: Uint8Array, limit: number, where: string): Promise<void> {
  let size = 0;
  const bounded = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > limit) throw notExpanded(where, new Error(`it has more than ${limit} bytes`));
      yield chunk;
    }
  };
  try {
    await pipeline([compressed], createZstdDecompress(), bounded, createWriteStream(path));
  } catch (cause) {
    // A file system's error says more as it is.
    if (cause instanceof MirrorError || (cause instanceof Error && 'syscall' in cause))
      throw withPath(cause, path);
    throw notExpanded(where, cause);
  }
}

const notExpanded = (where: string, cause: unknown): MirrorError =>
  new MirrorError('bad-input', `${where} cannot be decompressed: ${messageOf(cause)}`, { where, cause });
