import { createHash, createPublicKey, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parse } from 'smol-toml';
import { Transport } from './transport.ts';

/** The key that stout trusts by default. */
const DEFAULT_KEY = 'e58d628836f72ecc7f6964ba2b70523d7c1c46512441ef8eccf2fa55ad0258f2';
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const GITHUB_REGISTRY = 'https://ghcr.io/v2/';

interface Settings {
  index: { base_url: string };
  security: {
    require_signature: boolean;
    allow_unsigned: boolean;
    max_signature_age: number;
    additional_trusted_keys: string[];
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the client reads what it knows of a document and ignores the rest
type Document = any;

/** A package that was installed, with the bytes of its file. */
export interface Installed {
  name: string;
  version: string;
  file: Buffer;
}

/**
 * A stout client, written from what stout sends and checks, not from any server's code: strict where stout is strict,
 * and no more. What it would ask another host for is an error here.
 */
export class StoutClient {
  readonly transport: Transport;
  readonly #settings: Settings;
  readonly #platform: string;
  readonly #folder: string;
  readonly #now: () => Date;

  /** `config` is a whole config.toml; `platform` is spelt as stout does, `x86_64_sonoma` for an Intel Mac. */
  constructor(options: {
    config: string;
    platform: string;
    folder: string;
    transport?: Transport;
    now?: () => Date;
  }) {
    this.#settings = parse(options.config) as unknown as Settings;
    this.#platform = options.platform;
    this.#folder = options.folder;
    this.transport = options.transport ?? new Transport();
    this.#now = options.now ?? (() => new Date());
    const { index, security } = this.#settings;
    if (!security.allow_unsigned && !index.base_url.startsWith('https://')) {
      throw new Error('allow_unsigned = false needs an https base_url');
    }
  }

  /** `stout update`: false when the index was current. */
  async update(): Promise<boolean> {
    const manifest = await this.#json('manifest.json');
    const { formulas, casks } = manifest.indexes;
    this.#checkSignature(manifest);
    if (this.#installedVersion() === manifest.version) return false;
    await this.#fetchDatabase('formulas', formulas.db_sha256);
    if ((casks?.count ?? 0) > 0) await this.#fetchDatabase('casks', casks.db_sha256);
    return true;
  }

  /** `stout search`: names of formulas. */
  search(word: string): string[] {
    const sql = `SELECT f.name FROM formulas_fts JOIN formulas f ON f.rowid = formulas_fts.rowid
      WHERE formulas_fts MATCH ? ORDER BY f.name`;
    return this.#query('formulas', sql, `"${word}"*`).map((row) => String(row.name));
  }

  /** Every cask as stout imports it. */
  casks = (): string[] =>
    this.#query(
      'casks',
      'SELECT token, name, version, desc, homepage, tap, deprecated, disabled, json_hash FROM casks ORDER BY token',
    ).map((row) => String(row.token));

  /** `stout info`. */
  info = (name: string): Promise<Document> =>
    this.#packageJson(`formulas/data/${name.charAt(0)}/${name}.json.zst`);

  /** `stout install`: the package and what it needs, dependencies first. */
  async install(name: string, done = new Map<string, Installed>()): Promise<Installed[]> {
    if (done.has(name)) return [...done.values()];
    const json = await this.info(name);
    for (const dependency of json.dependencies.runtime) await this.install(dependency, done);
    const bottle = json.bottles[this.#platform] ?? json.bottles.all;
    if (!bottle) throw new Error(`${name} has no bottle for ${this.#platform}`);
    const file = await this.#download(bottle.url, bottle.sha256);
    const keg = gunzipSync(file).subarray(0, 100).toString().split('/')[0];
    if (keg !== name) throw new Error(`the bottle of ${name} holds ${keg}`);
    done.set(name, { name, version: json.version, file });
    return [...done.values()];
  }

  /** `stout install --cask` on a Mac of an architecture. */
  async installCask(token: string, architecture: 'arm64' | 'intel'): Promise<Installed> {
    const json = await this.#packageJson(`casks/data/${token.charAt(0)}/${token}.json.zst`);
    const { url, sha256 } = json.url_specs?.[architecture] ?? json;
    return { name: token, version: json.version, file: await this.#download(url, sha256) };
  }

  async #download(url: string, sha256: string): Promise<Buffer> {
    const headers: Record<string, string> = {};
    if (url.startsWith(GITHUB_REGISTRY)) headers.authorization = 'Bearer token';
    const { status, body } = await this.transport.send(url, { headers });
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    if (sha256Of(body) !== sha256) throw new Error(`${url} is not ${sha256}`);
    return body;
  }

  async #get(path: string): Promise<Buffer> {
    const url = `${this.#settings.index.base_url}/${path}`;
    const { status, body } = await this.transport.send(url);
    if (status === 404) throw new Error(`${path} is not here: stout would ask formulae.brew.sh`);
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    return body;
  }

  #json = async (path: string): Promise<Document> => JSON.parse((await this.#get(path)).toString());

  async #packageJson(path: string): Promise<Document> {
    return JSON.parse(zstdDecompressSync(await this.#get(path)).toString());
  }

  #checkSignature(manifest: Document): void {
    const { security } = this.#settings;
    const { indexes, index_version: version, signed_at: signedAt, signature } = manifest;
    if (!signature || !signedAt) {
      if (security.require_signature || !security.allow_unsigned) throw new Error('the index is not signed');
      return;
    }
    const facts = [indexes.formulas.db_sha256, signedAt, version ?? '', indexes.formulas.count];
    const text = `stout-index:v1:${[...facts, indexes.casks?.count ?? 0].join(':')}`;
    const keys = [DEFAULT_KEY, ...security.additional_trusted_keys];
    const isGood = keys.some((key) =>
      verify(
        null,
        Buffer.from(text),
        createPublicKey({
          key: Buffer.concat([ED25519_SPKI, Buffer.from(key, 'hex')]),
          format: 'der',
          type: 'spki',
        }),
        Buffer.from(signature, 'hex'),
      ),
    );
    if (!isGood) throw new Error('the signature of the index is not by a trusted key');
    const age = this.#now().getTime() / 1000 - signedAt;
    if (security.require_signature && age > security.max_signature_age) {
      throw new Error('the signature of the index is too old');
    }
  }

  async #fetchDatabase(kind: 'formulas' | 'casks', sha256: string): Promise<void> {
    const compressed = await this.#get(`${kind}/index.db.zst`);
    if (sha256Of(compressed) !== sha256) throw new Error(`${kind}/index.db.zst is not ${sha256}`);
    writeFileSync(this.#database(kind), zstdDecompressSync(compressed));
  }

  #installedVersion(): string | undefined {
    try {
      return String(this.#query('formulas', "SELECT value FROM meta WHERE key = 'version'")[0]?.value);
    } catch {
      return undefined;
    }
  }

  #database = (kind: string): string => join(this.#folder, `${kind}.db`);

  #query(kind: string, sql: string, ...values: string[]): Record<string, unknown>[] {
    const database = new DatabaseSync(this.#database(kind), { readOnly: true });
    try {
      return database.prepare(sql).all(...values);
    } finally {
      database.close();
    }
  }
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
