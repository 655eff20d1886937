import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { hexToBytes } from '@noble/hashes/utils.js';
import type * as v from 'valibot';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import {
  type IndexManifest,
  isSigned,
  parseIndexManifest,
  verifyIndex,
} from '../../format/index-manifest.ts';
import { treePath } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import { DatabaseReader } from '../index/reader.ts';
import type { Reporter } from '../reporter.ts';
import type { UpstreamLocation } from './location.ts';
import { caskSchema, formulaSchema, type UpstreamCask, type UpstreamFormula } from './package-json.ts';
import type { Upstream } from './upstream.ts';

const MAX_MANIFEST = 1024 * 1024;
/** Compressed, and so in memory; the database itself goes to a file. */
const MAX_COMPRESSED = 64 * 1024 * 1024;
const MAX_DATABASE = 512 * 1024 * 1024;
const MAX_PACKAGE = 16 * 1024 * 1024;

/** The key with which stout-index is signed when it is signed; stout trusts it by default. */
const STOUT_INDEX_KEY = {
  keyId: new Uint8Array(8),
  key: hexToBytes('e58d628836f72ecc7f6964ba2b70523d7c1c46512441ef8eccf2fa55ad0258f2'),
};

type Kind = 'formulas' | 'casks' | 'linux-apps' | 'vulnerabilities';

/** An upstream in stout-index layout, its databases fetched and checked against its manifest. */
export class StoutIndex implements Upstream {
  readonly location: UpstreamLocation;
  readonly manifest: IndexManifest;
  readonly #folder: string;
  readonly #reporter: Reporter;
  readonly #databases = new Map<Kind, Promise<DatabaseReader>>();

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

  /** The formulas database. Throws `mismatch` when it is not the one that the manifest describes. */
  formulas = (): Promise<DatabaseReader> => this.#database('formulas');
  casks = (): Promise<DatabaseReader> => this.#database('casks');
  linuxApps = (): Promise<DatabaseReader> => this.#database('linux-apps');
  vulnerabilities = (): Promise<DatabaseReader> => this.#database('vulnerabilities');

  /** A formula's JSON, checked against the hash in the database. Throws `mismatch` or `bad-input`. */
  formula = (name: string, jsonHash: string | null): Promise<UpstreamFormula> =>
    this.#packageJson(
      formulaSchema,
      `formulas/data/${name.charAt(0).toLowerCase()}/${name}.json.zst`,
      jsonHash,
    );

  /** A cask's JSON, checked as {@link formula}. */
  cask = (token: string, jsonHash: string | null): Promise<UpstreamCask> =>
    this.#packageJson(caskSchema, `casks/data/${token.charAt(0).toLowerCase()}/${token}.json.zst`, jsonHash);

  #database(kind: Kind): Promise<DatabaseReader> {
    let database = this.#databases.get(kind);
    if (!database) {
      database = this.#fetchDatabase(kind);
      this.#databases.set(kind, database);
    }
    return database;
  }

  async #fetchDatabase(kind: Kind): Promise<DatabaseReader> {
    const reference = `${kind}/index.db.zst`;
    const where = this.location.resolve(reference).href;
    const described = this.manifest.indexes[kind === 'linux-apps' ? 'linux_apps' : kind];
    if (!described) throw new MirrorError('not-found', `This upstream has no ${kind}.`, { where });
    const compressed = await this.location.read(reference, MAX_COMPRESSED, {
      onBytes: (bytes) =>
        this.#reporter.progress({
          ...{ label: `Index of ${kind}`, done: bytes < described.db_size ? 0 : 1, total: 1 },
          ...{ bytes, totalBytes: described.db_size },
        }),
    });
    expectSha256(compressed, described.db_sha256, where);
    await mkdir(this.#folder, { recursive: true });
    const path = join(this.#folder, `${kind}.db`);
    await expandInto(path, compressed, MAX_DATABASE, where);
    return DatabaseReader.open(path, where);
  }

  async #packageJson<S extends v.GenericSchema>(
    schema: S,
    path: string,
    jsonHash: string | null,
  ): Promise<v.InferOutput<S>> {
    const reference = treePath(path).split('/').map(encodeURIComponent).join('/');
    const where = this.location.resolve(reference).href;
    const compressed = await this.location.read(reference, MAX_PACKAGE);
    if (jsonHash !== null) expectSha256(compressed, jsonHash, where);
    return parseJson(schema, expand(compressed, MAX_PACKAGE, where), where);
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

/** Decompresses a small document: handing it to another thread would take longer. Throws `bad-input`. */
function expand(compressed: Uint8Array, limit: number, where: string): Uint8Array {
  try {
    return zstdDecompressSync(compressed, { maxOutputLength: limit });
  } catch (cause) {
    throw notExpanded(where, cause);
  }
}

/** Decompresses into a file, a piece at a time. Throws `bad-input` also for more than `limit` bytes. */
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
    // What the file system throws says more as it is.
    if (cause instanceof MirrorError || (cause instanceof Error && 'syscall' in cause)) throw cause;
    throw notExpanded(where, cause);
  }
}

const notExpanded = (where: string, cause: unknown): MirrorError =>
  new MirrorError('bad-input', `${where} cannot be decompressed: ${messageOf(cause)}`, { where, cause });
