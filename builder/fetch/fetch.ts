import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import type { FileDigest } from '../directory/hash.ts';
import { isDiskFull } from '../directory/write.ts';
import { brewBottlesOf, filesOf, type Plan, type PlannedFile } from '../plan/plan.ts';
import type { Reporter } from '../reporter.ts';
import type { Staging } from '../snapshot/staging.ts';
import type { UpstreamLocation } from '../upstream/location.ts';
import { download, downloadUnchecked } from './download.ts';
import type { LinkSource } from './link-source.ts';

/** Files and their bytes together. */
export interface Amount {
  files: number;
  bytes: number;
}

/** The distinct files to bring in. Throws `bad-input` when two that differ would stand at one path. */
export function plannedFiles(plan: Plan): PlannedFile[] {
  const { formulas, casks, linuxApps } = plan;
  const byPath = new Map<string, PlannedFile>();
  const packages = [...formulas.fresh, ...casks.fresh, ...linuxApps.fresh];
  for (const file of [...brewBottlesOf(plan), ...packages.flatMap(filesOf)]) {
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

/** What files are brought in with. */
export interface FetchOptions {
  directory: string;
  upstream: UpstreamLocation;
  /** Another mirror, whose files are linked rather than fetched. */
  source: LinkSource | undefined;
  /** Downloads at a time. */
  jobs: number;
  reporter: Reporter;
}

/** What was brought in, and what could not be: the reason by path. */
export interface Fetched {
  downloaded: Amount;
  linked: Amount;
  failures: Map<string, string>;
}

/** Keeps, links or downloads every planned file. All of them are tried; what fails is told, not thrown, but for a full disk. */
export async function bringIn(
  options: FetchOptions,
  files: readonly PlannedFile[],
  staging: Staging,
): Promise<Fetched> {
  const fetching = new Fetching(options, files.length, staging);
  fetching.tell();
  await pMap(files, (file) => fetching.attempt(file), { concurrency: options.jobs });
  return fetching.fetched;
}

class Fetching {
  readonly fetched: Fetched = {
    downloaded: { files: 0, bytes: 0 },
    linked: { files: 0, bytes: 0 },
    failures: new Map(),
  };
  readonly #options: FetchOptions;
  readonly #total: number;
  readonly #staging: Staging;
  /** By SHA-256: two paths may have the same bytes, and two downloads must never write one part. */
  readonly #coming = new Map<string, Promise<FileDigest>>();
  #done = 0;

  constructor(options: FetchOptions, total: number, staging: Staging) {
    this.#options = options;
    this.#total = total;
    this.#staging = staging;
  }

  tell(): void {
    const { bytes } = this.fetched.downloaded;
    const progress = { label: 'Fetching packages', done: this.#done, total: this.#total, bytes };
    this.#options.reporter.progress(progress);
  }

  async attempt(file: PlannedFile): Promise<void> {
    await this.#bringOnce(file).catch((error: unknown) => {
      // No other file would fare better.
      if (isDiskFull(error)) throw error;
      this.fetched.failures.set(file.path, messageOf(error));
    });
    this.#done += 1;
    this.tell();
  }

  async #bringOnce(file: PlannedFile): Promise<void> {
    if (!file.forced && (await isKept(file, this.#staging))) return;
    const digest = this.#coming.get(file.sha256 ?? file.path) ?? this.#bring(file);
    this.#coming.set(file.sha256 ?? file.path, digest);
    this.#staging.adopt(file.path, await digest);
  }

  async #bring(file: PlannedFile): Promise<FileDigest> {
    const { source, directory } = this.#options;
    const { linked, downloaded } = this.fetched;
    const found = file.sha256 && !file.forced ? await source?.bring(file.sha256, directory) : undefined;
    if (found) {
      linked.files += 1;
      linked.bytes += found.size;
      return found;
    }
    let received = 0;
    const digest = await fetchFile(this.#options, file, (count) => {
      received += count;
      downloaded.bytes += count;
      this.tell();
    });
    // What an interrupted run brought in whole comes from no network now.
    if (received > 0) downloaded.files += 1;
    return digest;
  }
}

async function isKept({ path, sha256, before }: PlannedFile, staging: Staging): Promise<boolean> {
  const wanted = sha256 ?? before;
  return wanted !== undefined && (await staging.keep(path, wanted)) !== undefined;
}

async function fetchFile(
  { directory, upstream }: FetchOptions,
  { url, sha256, from = upstream }: PlannedFile,
  receive: (count: number) => void,
): Promise<FileDigest> {
  const address = from.resolve(url);
  if (sha256 === undefined) return downloadUnchecked(from, directory, address, receive);
  return download(from, directory, { url: address, sha256 }, receive);
}
