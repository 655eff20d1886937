import { constants, createHash, verify } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { Reply, Sending } from './transport.ts';
import { Transport } from './transport.ts';

const DEFAULT_API = 'https://formulae.brew.sh/api';
const REGISTRY = 'https://ghcr.io/v2/homebrew/core';
const RELEASES = ['catalina', 'big_sur', 'monterey', 'ventura', 'sonoma', 'sequoia', 'tahoe', 'golden_gate'];

// biome-ignore lint/suspicious/noExplicitAny: the client reads what it knows of a document and ignores the rest
type Document = any;

/** A bottle that was poured. */
export interface Poured {
  name: string;
  file: Buffer;
  /** Where the bottle came from, and where its manifest did; without one brew relocates every file. */
  from: string;
  manifestFrom: string | undefined;
}

interface Formula {
  name: string;
  struct: Document;
  /** Version with revision. */
  version: string;
  rebuild: number;
  tag: string;
  sha256: string;
}

/** A download that went wrong in a way that another place may mend, unlike wrong bytes. */
class DownloadError extends Error {}

/**
 * A brew client, written from what brew sends, checks and falls back to, not from any server's code. Its environment is
 * a brew.env as brew reads it: line by line, those that begin with `HOMEBREW_`.
 */
export class BrewClient {
  readonly transport: Transport;
  readonly #environment: ReadonlyMap<string, string>;
  readonly #tag: string;
  readonly #key: string;
  readonly #now: () => Date;
  /** By endpoint; `touched` is when it was last asked for, which brew makes the file's time. */
  readonly #cache = new Map<string, { bytes: Buffer; touched: Date }>();

  /** `key` is the PEM that the API must be signed with. */
  constructor(options: {
    environment: string;
    tag: string;
    key: string;
    transport?: Transport;
    now?: () => Date;
  }) {
    const lines = options.environment.split('\n').filter((line) => line.startsWith('HOMEBREW_'));
    this.#environment = new Map(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    this.#tag = options.tag;
    this.#key = options.key;
    this.transport = options.transport ?? new Transport();
    this.#now = options.now ?? (() => new Date());
  }

  /** `brew update`: fetches an API file unless it is current; true when it came. */
  async update(endpoint = `internal/packages.${this.#tag}.jws.json`): Promise<boolean> {
    const domain = this.#setting('HOMEBREW_API_DOMAIN') ?? DEFAULT_API;
    const places = [...new Set([domain, DEFAULT_API])];
    for (const place of places) {
      const reply = await this.#fetch(`${place}/${endpoint}`, this.#apiHeaders(endpoint)).catch(
        () => undefined,
      );
      if (reply?.status !== 200 && reply?.status !== 304) continue;
      const bytes = reply.status === 200 ? decoded(reply) : this.#cache.get(endpoint)?.bytes;
      if (!bytes) continue;
      this.#cache.set(endpoint, { bytes, touched: this.#now() });
      this.#payload(endpoint);
      return reply.status === 200;
    }
    if (this.#cache.has(endpoint)) return false;
    throw new Error(`${endpoint} cannot be had`);
  }

  /** `brew search`: names of formulas. */
  search = (word: string): string[] =>
    Object.keys(this.#packages().formulae).filter((name) => name.includes(word));

  /** `brew install`: the formula and what it needs here, dependencies first. `cutAfter` cuts the first bottle's download. */
  async install(name: string, done = new Map<string, Poured>(), cutAfter?: number): Promise<Poured[]> {
    const formula = this.#formula(name);
    for (const dependency of this.#dependencies(formula.struct)) {
      if (!done.has(dependency)) await this.install(dependency, done);
    }
    done.set(name, await this.#pour(formula, cutAfter));
    return [...done.values()];
  }

  async #pour(formula: Formula, cutAfter: number | undefined): Promise<Poured> {
    const manifestFrom = await this.#manifest(formula);
    const [from, file] = await firstOf(this.#bottlePlaces(formula), async (url) => [
      url,
      await this.#download(url, this.#isFlat(url), cutAfter),
    ]);
    if (sha256Of(file) !== formula.sha256) throw new Error(`${from} is not ${formula.sha256}`);
    if (!gunzipSync(file).subarray(0, 100).toString().startsWith(`${formula.name}/${formula.version}/`)) {
      throw new Error(`the bottle of ${formula.name} holds another keg`);
    }
    return { name: formula.name, file, from, manifestFrom };
  }

  /** Where a bottle is asked for, in this order. */
  #bottlePlaces({ name, version, rebuild, tag, sha256 }: Formula): string[] {
    const original = `${REGISTRY}/${imageOf(name)}/blobs/sha256:${sha256}`;
    const domain = this.#setting('HOMEBREW_BOTTLE_DOMAIN');
    const file = `${name}-${version}.${tag}.bottle.${rebuild > 0 ? `${rebuild}.` : ''}tar.gz`;
    if (domain !== undefined) return [`${domain}/${encodeURIComponent(file)}`, original];
    return this.#artifactPlaces(original);
  }

  #artifactPlaces(original: string): string[] {
    const domain = this.#setting('HOMEBREW_ARTIFACT_DOMAIN');
    if (domain === undefined) return [original];
    const path = new URL(original).pathname;
    const hasVersion = new URL(domain).pathname.startsWith('/v2');
    const artifact = domain + (hasVersion ? path.replace('/v2', '') : path);
    return this.#setting('HOMEBREW_ARTIFACT_DOMAIN_NO_FALLBACK') ? [artifact] : [artifact, original];
  }

  #manifestPlaces({ name, version, rebuild }: Formula): string[] {
    const reference = rebuild > 0 ? `${version}-${rebuild}` : version;
    const path = `${imageOf(name)}/manifests/${reference}`;
    const domain = this.#setting('HOMEBREW_BOTTLE_DOMAIN');
    if (domain !== undefined) return [`${domain}/${path}`, `${REGISTRY}/${path}`];
    return this.#artifactPlaces(`${REGISTRY}/${path}`);
  }

  /** Where the manifest came from that describes the bottle; `undefined` where brew would only warn. */
  async #manifest(formula: Formula): Promise<string | undefined> {
    const headers = { accept: 'application/vnd.oci.image.index.v1+json', ...this.#authorization() };
    try {
      return await firstOf(this.#manifestPlaces(formula), async (url) => {
        const reply = await this.#fetch(url, headers);
        if (reply.status !== 200) throw new DownloadError(`${url} answered ${reply.status}`);
        expectManifest(JSON.parse(decoded(reply).toString()), formula);
        return url;
      });
    } catch (error) {
      if (error instanceof DownloadError && this.#setting('HOMEBREW_BOTTLE_DOMAIN')) return undefined;
      throw error;
    }
  }

  /** A flat download is looked at first; a part that is there is continued. */
  async #download(url: string, isFlat: boolean, cutAfter?: number): Promise<Buffer> {
    const headers = isFlat ? {} : this.#authorization();
    if (isFlat) {
      const head = await this.#fetch(url, headers, { method: 'HEAD' });
      if (head.status !== 200) throw new DownloadError(`${url} answered ${head.status}`);
      // Without a file name brew has to look a second time.
      if (head.headers['content-disposition'] === undefined) await this.#fetch(url, headers);
    }
    const whole = await this.#fetch(url, headers, cutAfter === undefined ? {} : { cutAfter });
    if (whole.status !== 200) throw new DownloadError(`${url} answered ${whole.status}`);
    if (cutAfter === undefined) return whole.body;
    const looked = await this.#fetch(url, headers, { method: 'HEAD' });
    if ((looked.headers['accept-ranges'] ?? 'none') === 'none') return this.#download(url, isFlat);
    const rest = await this.#fetch(url, { ...headers, range: `bytes=${whole.body.length}-` });
    if (rest.status !== 206) throw new DownloadError(`${url} answered ${rest.status} to a range`);
    return Buffer.concat([whole.body, rest.body]);
  }

  /** Follows redirects with brew's options for curl: another host gets no header, the same host no Authorization. */
  async #fetch(url: string, headers: Record<string, string>, sending: Sending = {}): Promise<Reply> {
    const reply = await this.transport.send(url, {
      ...sending,
      headers: { 'user-agent': USER_AGENT, ...headers },
    });
    const { location } = reply.headers;
    if (reply.status < 300 || reply.status >= 400 || location === undefined) return reply;
    const next = new URL(location, url);
    const { authorization: _, ...rest } = headers;
    return this.#fetch(next.href, next.host === new URL(url).host ? rest : {}, sending);
  }

  #apiHeaders(endpoint: string): Record<string, string> {
    const touched = this.#cache.get(endpoint)?.touched;
    return {
      'accept-language': 'en',
      'accept-encoding': 'deflate, gzip',
      ...(touched === undefined ? {} : { 'if-modified-since': touched.toUTCString() }),
    };
  }

  #authorization(): Record<string, string> {
    const token = this.#setting('HOMEBREW_DOCKER_REGISTRY_TOKEN');
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    const basic = this.#setting('HOMEBREW_DOCKER_REGISTRY_BASIC_AUTH_TOKEN');
    if (basic !== undefined) return basic === 'none' ? {} : { authorization: `Basic ${basic}` };
    return this.#setting('HOMEBREW_ARTIFACT_DOMAIN') ? {} : { authorization: 'Bearer QQ==' };
  }

  #setting = (name: string): string | undefined => this.#environment.get(name) || undefined;

  #isFlat = (url: string): boolean => url.endsWith('.tar.gz');

  /** The payload of a cached file, its signature checked. */
  #payload(endpoint: string): Document {
    const { payload, signatures } = JSON.parse(this.#cache.get(endpoint)?.bytes.toString() ?? '{}');
    const found = signatures.find((item: Document) => item.header?.kid === 'homebrew-1');
    const header = JSON.parse(Buffer.from(found?.protected ?? '', 'base64url').toString() || '{}');
    const key = {
      key: this.#key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    };
    const input = Buffer.from(`${found?.protected}.${payload}`);
    const signature = Buffer.from(found?.signature ?? '', 'base64url');
    if (header.alg === 'PS512' && header.b64 === false && verify('sha512', input, key, signature)) {
      return JSON.parse(payload);
    }
    this.#cache.delete(endpoint);
    throw new Error('Potential MITM attempt detected');
  }

  #packages = (): Document => this.#payload(`internal/packages.${this.#tag}.jws.json`);

  #formula(name: string): Formula {
    const { formulae, formula_aliases: aliases } = this.#packages();
    const real = formulae[name] ? name : aliases[name];
    const struct = formulae[real];
    if (!struct?.bottle_checksum) throw new Error(`${name} has no bottle`);
    const { stable_version, revision = 0, bottle_rebuild: rebuild = 0, bottle_tag, bottle_checksum } = struct;
    return {
      name: real,
      struct,
      version: revision > 0 ? `${stable_version}_${revision}` : stable_version,
      rebuild,
      tag: bottle_tag?.slice(1) ?? this.#tag,
      sha256: bottle_checksum,
    };
  }

  /** What is needed at run time, and what macOS would bring along where this is none, or an older one. */
  #dependencies({ stable_dependencies = [], stable_uses_from_macos = [] }: Document): string[] {
    const release = RELEASES.indexOf(this.#tag.replace('arm64_', ''));
    const system = stable_uses_from_macos
      .filter(
        ([, bounds]: Document) => release < 0 || release < RELEASES.indexOf(bounds?.[':since']?.slice(1)),
      )
      .map(([name]: Document) => name);
    return [...stable_dependencies, ...system].flatMap((entry: Document) => {
      const [[name, type]] = typeof entry === 'string' ? [[entry, '']] : (Object.entries(entry) as Document);
      return name.startsWith(':') || [':build', ':test', ':optional'].includes(type) ? [] : [name];
    });
  }
}

const USER_AGENT = 'Homebrew/6.0.18 (Macintosh; arm64 Mac OS X 14.7) curl/8.7.1';

const imageOf = (name: string): string => name.replaceAll('@', '/').replaceAll('+', 'x');

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const decoded = ({ body, headers }: Reply): Buffer =>
  headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;

/** What the first place gives that can be had; wrong bytes are no reason to go on to the next. */
async function firstOf<T>(places: readonly string[], get: (place: string) => Promise<T>): Promise<T> {
  let last: unknown;
  for (const place of places) {
    try {
      return await get(place);
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      last = error;
    }
  }
  throw last;
}

/** brew takes an index that has an image of the bottle's SHA-256 and name with a tab that it can read. */
function expectManifest({ manifests }: Document, { version, tag, rebuild, sha256 }: Formula): void {
  const refName = `${version}.${tag}${rebuild > 0 ? `.${rebuild}` : ''}`;
  const found = manifests.find(
    ({ annotations }: Document) =>
      annotations['sh.brew.bottle.digest'] === sha256 &&
      annotations['org.opencontainers.image.ref.name'] === refName,
  );
  if (!found) throw new Error(`the manifest does not describe ${refName}`);
  JSON.parse(found.annotations['sh.brew.tab']);
}
