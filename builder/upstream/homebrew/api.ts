import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { utf8 } from '../../../format/bytes.ts';
import { MirrorError } from '../../../format/errors.ts';
import { isoSeconds } from '../../../format/iso-seconds.ts';
import { parseJson } from '../../../format/parse.ts';
import { ALL } from '../../../format/tags.ts';
import { namingFile } from '../../directory/disk-error.ts';
import { verifyJws } from './jws.ts';
import { HomebrewPackages } from './packages.ts';
import { packagesSchema } from './payload.ts';
import type { HomebrewSource } from './source.ts';

/** Bytes of the longest file of the API. */
export const MAX_API_FILE = 256 * 1024 * 1024;

/** Files that older releases of brew ask for. All are validly signed, so their content shows which one it is. */
const OLDER_FILES: Record<string, v.GenericSchema> = {
  'formula.jws.json': v.array(v.looseObject({ full_name: v.string() })),
  'cask.jws.json': v.array(v.looseObject({ token: v.string() })),
  'formula_tap_migrations.jws.json': v.record(v.string(), v.string()),
  'cask_tap_migrations.jws.json': v.record(v.string(), v.string()),
};

/** The file that brew on a platform asks for. */
const packagesEndpoint = (tag: string): string => `internal/packages.${tag}.jws.json`;

/** When Homebrew signed files, Unix seconds, by endpoint. */
export type GeneratedAt = Readonly<Record<string, number>>;

/** Which parts of a Homebrew API are read. */
export interface ApiOptions {
  source: HomebrewSource;
  /** Platforms whose files are read. */
  tags: readonly string[];
  /** True to read the files that only older clients ask for, too. */
  older: boolean;
  /** When the files mirrored so far were signed: nothing older is taken. */
  before: GeneratedAt;
  /** Folder for the files, made here and left to the caller. */
  folder: string;
  /** Reads the file of an endpoint, where that is not at the source. Throws `not-found`. */
  read?: (endpoint: string) => Promise<Uint8Array>;
}

/** Homebrew's signed API files: verified, parsed, and kept byte for byte in a folder. */
export class HomebrewApi {
  readonly source: HomebrewSource;
  readonly packages = new HomebrewPackages();
  /** Local copies by endpoint. */
  readonly files = new Map<string, string>();
  readonly generatedAt: Record<string, number> = {};
  /** Endpoints that this API does not have. */
  readonly missing: string[] = [];
  readonly #folder: string;
  readonly #readFile: NonNullable<ApiOptions['read']>;

  private constructor({
    source,
    folder,
    read = (endpoint) => source.location.read(`api/${endpoint}`, MAX_API_FILE),
  }: ApiOptions) {
    this.source = source;
    this.#folder = folder;
    this.#readFile = read;
  }

  /**
   * Fetches and verifies the files one at a time, because each has tens of megabytes. Throws `bad-signature`, `bad-input`,
   * `mismatch` for a file of another kind, `rolled-back`, `not-found` when there is none for any platform, or what the
   * location throws.
   */
  static async open(options: ApiOptions): Promise<HomebrewApi> {
    const { source, tags, older, before, folder } = options;
    const api = new HomebrewApi(options);
    await mkdir(folder, { recursive: true });
    for (const tag of tags) if (tag !== ALL) await api.#readPackages(tag, before);
    if (api.files.size === 0) {
      throw new MirrorError('not-found', `${source.location.base.href} has no API for ${tags.join(', ')}.`, {
        where: source.location.base.href,
      });
    }
    for (const [endpoint, schema] of older ? Object.entries(OLDER_FILES) : []) {
      const payload = await api.#read(endpoint);
      if (payload !== undefined) expectKind(schema, payload, api.#where(endpoint));
    }
    return api;
  }

  async #readPackages(tag: string, before: GeneratedAt): Promise<void> {
    const endpoint = packagesEndpoint(tag);
    const where = this.#where(endpoint);
    const text = await this.#read(endpoint);
    if (text === undefined) return;
    const payload = parseJson(packagesSchema, utf8(text), where);
    const { bottle_tag: found, generated_at: generatedAt } = payload.metadata;
    if (found !== tag) {
      throw new MirrorError('mismatch', `${where} is the file for another platform.`, {
        where,
        expected: tag,
        found,
      });
    }
    expectNotOlder(where, generatedAt, before[endpoint]);
    this.generatedAt[endpoint] = generatedAt;
    this.packages.add(tag, payload);
  }

  /** Returns the payload of a file and keeps the file; `undefined` when there is no such file. */
  async #read(endpoint: string): Promise<string | undefined> {
    const bytes = await this.#readFile(endpoint).catch((error: unknown) => {
      if (error instanceof MirrorError && error.code === 'not-found') return undefined;
      throw error;
    });
    if (!bytes) {
      this.missing.push(endpoint);
      return undefined;
    }
    const payload = verifyJws(bytes, this.source.key, this.#where(endpoint));
    const local = join(this.#folder, endpoint.replaceAll('/', '-'));
    await namingFile(local, () => writeFile(local, bytes));
    this.files.set(endpoint, local);
    return payload;
  }

  #where = (endpoint: string): string => this.source.location.resolve(`api/${endpoint}`).href;
}

function expectNotOlder(where: string, generatedAt: number, before: number | undefined): void {
  if (before === undefined || generatedAt >= before) return;
  throw new MirrorError('rolled-back', `${where} is older than the one that this mirror has.`, {
    where,
    expected: `generated at ${isoSeconds(before)} or later`,
    found: isoSeconds(generatedAt),
  });
}

function expectKind(schema: v.GenericSchema, payload: string, where: string): void {
  try {
    parseJson(schema, utf8(payload), where);
  } catch (cause) {
    throw new MirrorError('mismatch', `${where} is signed, but it is another of Homebrew's files.`, {
      where,
      cause,
    });
  }
}
