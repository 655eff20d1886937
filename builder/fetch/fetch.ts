import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { isDiskFailure } from '../directory/disk-error.ts';
import type { FileDigest } from '../directory/hash.ts';
import { brewBottlesOf, filesOf, type Plan, type PlannedFile } from '../plan/plan.ts';
import type { Reporter } from '../reporter.ts';
import type { Stage } from '../snapshot/stage.ts';
import type { UpstreamLocation } from '../upstream/location.ts';
import { download, downloadUnchecked, type OnBytes } from './download.ts';
import type { LinkSource } from './link-source.ts';

/** A number of files and their bytes. */
export interface Amount {
  files: number;
  bytes: number;
}

/** Returns the distinct files to bring in. Throws `bad-input` when two different ones would have one path. */
export function plannedFiles(plan: Plan): PlannedFile[] {
  const byPath = new Map<string, PlannedFile>();
  for (const file of [...brewBottlesOf(plan), ...plan.fresh.flatMap(filesOf)]) {
    const other = byPath.get(file.path);
    if (other && other.sha256 !== file.sha256) {
      throw new MirrorError('bad-input', `Two different files of the upstream would be ${file.path}.`, {
        where: file.path,
        expected: other.sha256,
        found: file.sha256,
      });
    }
    byPath.set(file.path, file);
  }
  return [...byPath.values()];
}

/** What bringing in files takes. */
export interface FetchOptions {
  directory: string;
  upstream: UpstreamLocation;
  /** Another mirror, whose files are linked rather than fetched. */
  source: LinkSource | undefined;
  /** Downloads at a time. */
  jobs: number;
  reporter: Reporter;
}

/** Why files could not be brought in: what was thrown, by path. */
export type Failures = Map<string, unknown>;

/** What was brought in, and what could not be. */
export interface Fetched {
  downloaded: Amount;
  linked: Amount;
  /** The sources of files that were only listed, to come on demand. */
  listed: string[];
  failures: Failures;
}

/**
 * Keeps, links, lists or downloads every planned file. Tries all of them and returns the failures; throws only where this
 * machine's disk fails.
 */
export async function bringIn(
  options: FetchOptions,
  files: readonly PlannedFile[],
  stage: Stage,
): Promise<Fetched> {
  const fetching = new Fetching(options, files.length, stage);
  fetching.report();
  await pMap(files, (file) => fetching.attempt(file), { concurrency: options.jobs });
  return fetching.fetched;
}

class Fetching {
  readonly fetched: Fetched = {
    downloaded: { files: 0, bytes: 0 },
    linked: { files: 0, bytes: 0 },
    listed: [],
    failures: new Map(),
  };
  readonly #options: FetchOptions;
  readonly #total: number;
  readonly #stage: Stage;
  /** By SHA-256, or by address where none is declared: two downloads must never write one part. */
  readonly #coming = new Map<string, Promise<FileDigest>>();
  /** Bytes to come of each download whose size is known. */
  readonly #rests = new Map<PlannedFile, number>();
  #done = 0;

  constructor(options: FetchOptions, total: number, stage: Stage) {
    this.#options = options;
    this.#total = total;
    this.#stage = stage;
  }

  report(): void {
    const { bytes } = this.fetched.downloaded;
    const progress = { label: 'Fetching packages', done: this.#done, total: this.#total, bytes };
    // The upstream's index has no sizes: the sum is known once the last files are on their way.
    const isKnown = this.#done + this.#rests.size >= this.#total;
    const rest = [...this.#rests.values()].reduce((sum, bytesLeft) => sum + bytesLeft, 0);
    this.#options.reporter.progress(isKnown ? { ...progress, totalBytes: bytes + rest } : progress);
  }

  async attempt(file: PlannedFile): Promise<void> {
    await this.#bringOnce(file).catch((error: unknown) => {
      // Every other file would fail as well.
      if (isDiskFailure(error)) throw error;
      this.fetched.failures.set(file.path, error);
    });
    this.#rests.delete(file);
    this.#done += 1;
    this.report();
  }

  async #bringOnce(file: PlannedFile): Promise<void> {
    if (file.source !== undefined) return this.#list(file, file.source);
    const kept = file.sha256 ?? file.before;
    if (!file.forced && kept !== undefined && (await this.#stage.keepBytes(file.path, kept))) return;
    const part = file.sha256 ?? addressOf(file, this.#options).href;
    const digest = this.#coming.get(part) ?? this.#bring(file);
    this.#coming.set(part, digest);
    this.#stage.adopt(file.path, await digest);
  }

  /** Lists a file on demand, unless this mirror or the other one has it. */
  async #list(file: PlannedFile, source: string): Promise<void> {
    const { path, sha256 = '' } = file;
    if (await this.#stage.list(path, sha256, source)) return;
    const linked = await this.#link(file);
    if (linked) this.#stage.adopt(path, linked);
    else this.fetched.listed.push(source);
  }

  /** Links the file from the other mirror, if that has it. */
  async #link({ sha256, forced }: PlannedFile): Promise<FileDigest | undefined> {
    const { source, directory } = this.#options;
    const { linked } = this.fetched;
    const found = sha256 && !forced ? await source?.bring(sha256, directory) : undefined;
    if (!found) return undefined;
    linked.files += 1;
    linked.bytes += found.size;
    return found;
  }

  async #bring(file: PlannedFile): Promise<FileDigest> {
    const found = await this.#link(file);
    if (found) return found;
    const { downloaded } = this.fetched;
    let received = 0;
    const digest = await fetchFile(this.#options, file, (count, rest) => {
      received += count;
      downloaded.bytes += count;
      if (rest === undefined) this.#rests.delete(file);
      else this.#rests.set(file, rest);
      this.report();
    });
    // A file that an interrupted run brought in completely is not downloaded now.
    if (received > 0) downloaded.files += 1;
    return digest;
  }
}

const addressOf = ({ url, from }: PlannedFile, { upstream }: FetchOptions): URL =>
  (from ?? upstream).resolve(url);

async function fetchFile(options: FetchOptions, file: PlannedFile, receive: OnBytes): Promise<FileDigest> {
  const { sha256, headers, from = options.upstream } = file;
  const url = addressOf(file, options);
  if (sha256 === undefined) return downloadUnchecked(from, options.directory, { url, headers }, receive);
  return download(from, options.directory, { url, sha256, headers }, receive);
}
