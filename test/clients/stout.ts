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
/** The headers of every request. */
const HEADERS = { accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': 'stout/0.2.1' };
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

/** Thrown where stout would install from another host. */
export class AsksElsewhere extends Error {}

/**
 * A stout client that does as the released one (0.2.1), with the requests that it sends and the checks that it makes, and no
 * others: `released/first-install.test.ts` compares the two. What it would ask another host for is an error here.
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
    if (security.require_signature && !security.allow_unsigned && !index.base_url.startsWith('https://')) {
      throw new Error('Remote index URL must use HTTPS');
    }
  }

  /** `stout update`: fetches the index, whether it is new or not. */
  async update(): Promise<void> {
    const manifest = await this.#manifest();
    this.#checkSignature(manifest);
    const { formulas, casks } = manifest.indexes;
    writeFileSync(this.#database('formulas'), await this.#fetchDatabase('formulas', formulas.db_sha256));
    if ((casks?.count ?? 0) === 0) return;
    // A cask index that is not as the manifest says is only a warning.
    const database = await this.#fetchDatabase('casks', casks.db_sha256).catch(() => undefined);
    if (database) writeFileSync(this.#database('casks'), database);
  }

  /**
   * `stout upgrade`, and `stout update` of 0.2.2: only if the version of the index differs is it fetched, and its signature
   * looked at. Returns whether it was.
   */
  async updateIfNewer(): Promise<boolean> {
    if ((await this.#manifest()).version === this.#installedVersion()) return false;
    await this.update();
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

  /** `stout install`: the package and what the index says that it needs, dependencies first. */
  async install(name: string, done = new Map<string, Installed>()): Promise<Installed[]> {
    if (done.has(name)) return [...done.values()];
    const [row] = this.#query('formulas', 'SELECT version FROM formulas WHERE name = ?', name);
    if (!row) throw new Error(`${name} is not in the index`);
    for (const needed of this.dependencies(name)) await this.install(needed, done);
    const json = await this.info(name);
    if (json.version !== row.version) throw new Error(`${name} has another version in the index`);
    const bottle = json.bottles[this.#platform] ?? json.bottles.all;
    if (!bottle) throw new Error(`${name} has no bottle for ${this.#platform}`);
    done.set(name, { name, version: json.version, file: await this.#download(bottle.url, bottle.sha256) });
    return [...done.values()];
  }

  /** What the index says that a formula needs. */
  dependencies = (name: string): string[] =>
    this.#query(
      'formulas',
      "SELECT dep_name FROM dependencies WHERE formula = ? AND dep_type IN ('runtime', 'recommended')",
      name,
    ).map((row) => String(row.dep_name));

  /** `stout install --cask` on a machine of an architecture. Whatever the URL, the checksum is the cask's own. */
  async installCask(token: string, architecture: 'arm64' | 'intel'): Promise<Installed> {
    if (!this.casks().includes(token)) throw new Error(`${token} is not in the index`);
    const json = await this.#packageJson(`casks/data/${token.charAt(0)}/${token}.json.zst`);
    const url = json.url_specs?.[architecture]?.url ?? json.url;
    if (!URL.canParse(url) || !url.startsWith('http'))
      throw new Error(`${url} is not an address to download from`);
    return { name: token, version: json.version, file: await this.#download(url, json.sha256) };
  }

  async #download(url: string, sha256: string): Promise<Buffer> {
    const login = url.startsWith(GITHUB_REGISTRY) ? { authorization: 'Bearer token' } : {};
    const { status, body } = await this.#send(url, login);
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    if (sha256Of(body) !== sha256) throw new Error(`${url} is not ${sha256}`);
    return body;
  }

  /** Of the manifest and the databases stout does not read the status. */
  #get = (path: string): Promise<{ status: number; body: Buffer }> =>
    this.#send(`${this.#settings.index.base_url}/${path}`);

  async #send(url: string, more: Record<string, string> = {}): Promise<{ status: number; body: Buffer }> {
    const { status, headers, body } = await this.transport.send(url, { headers: { ...HEADERS, ...more } });
    return { status, body: headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body };
  }

  async #manifest(): Promise<Document> {
    const { status, body } = await this.#get('manifest.json');
    try {
      const manifest: Document = JSON.parse(body.toString());
      if (typeof manifest.version === 'string') return manifest;
    } catch {
      // Said below.
    }
    throw new Error(`manifest.json, which answered ${status}, is not a manifest`);
  }

  async #packageJson(path: string): Promise<Document> {
    const { status, body } = await this.#get(path);
    if (status < 200 || status > 299) throw new AsksElsewhere(`${path} answered ${status}`);
    return JSON.parse(zstdDecompressSync(body).toString());
  }

  #checkSignature(manifest: Document): void {
    const { security } = this.#settings;
    const { indexes, index_version: version, signed_at: signedAt = 0, signature } = manifest;
    if (!signature) {
      if (security.allow_unsigned) return;
      throw new Error('the index is not signed');
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

  async #fetchDatabase(kind: 'formulas' | 'casks', sha256: string): Promise<Buffer> {
    const { body } = await this.#get(`${kind}/index.db.zst`);
    if (sha256Of(body) !== sha256) throw new Error(`${kind}/index.db.zst is not ${sha256}`);
    return zstdDecompressSync(body);
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
