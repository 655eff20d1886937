import pMap from 'p-map';
import { type ErrorCode, MirrorError } from '../../format/errors.ts';
import type { Manifest } from '../../format/manifest.ts';
import { isOwnFile, type OnDemandEntry, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { diskMessage, isDiskFailure } from '../directory/disk-error.ts';
import type { FileDigest } from '../directory/hash.ts';
import { MAX_FILE } from '../directory/plain-file.ts';
import { download } from '../fetch/download.ts';
import type { Amount } from '../fetch/fetch.ts';
import { tooLarge } from '../http/request.ts';
import type { Reporter } from '../reporter.ts';
import { UpstreamLocation } from '../upstream/location.ts';
import { fileOfPackages } from '../verify/package-files.ts';
import { Budget } from './budget.ts';

/** Files that are looked for at once. */
const LOOKS_AT_ONCE = 8;
/** If none of so many files can be reached, no other will be. */
const ENOUGH = 16;

export interface FillOptions {
  /** The only packages to fill; absent for all. */
  packages?: readonly string[] | undefined;
  /** Most bytes that files on demand may take in that place; absent for no limit. */
  maxSize?: number | undefined;
  /** Downloads at a time. */
  jobs: number;
  reporter: Reporter;
  now: Date;
}

/** A file on demand with all of its paths. */
export interface DemandedFile extends Pick<OnDemandEntry, 'sha256' | 'source' | 'size'> {
  paths: string[];
}

/** A mirror whose files on demand are fetched: a folder, or a bucket. */
export interface FillPlace {
  root: Root;
  entries: readonly SnapshotEntry[];
  manifest: Manifest;
  /** Folder in which downloads wait, and in which the next run finds those that were cut off. */
  folder: string;
  /** Most bytes that a file may have there; absent for as many as any file. */
  maxFileSize?: number;
  /** Returns the size of a file that is there, with the bytes that the list names. */
  sizeOf(file: DemandedFile): Promise<number | undefined>;
  /** Keeps a file that was downloaded into `folder`. */
  keep(file: DemandedFile, digest: FileDigest): Promise<void>;
}

/** What `fill` did. */
export interface FillSummary {
  version: number;
  /** Files on demand that were there before. */
  here: Amount;
  fetched: Amount;
  /** Files that are wanted and did not fit into the limit. */
  left: number;
  failed: { path: string; code: ErrorCode; message: string }[];
}

/**
 * Fetches the files on demand that a mirror lacks, in the order of its list, and checks each against that. What fails does not
 * stop the rest; it is in the summary. Throws `unknown-package`, `unreachable` if no host answers, or where this machine's disk
 * fails.
 */
export async function fill(place: FillPlace, options: FillOptions): Promise<FillSummary> {
  const all = demandedFiles(place.entries);
  const sizes = await pMap(all, (file) => place.sizeOf(file), { concurrency: LOOKS_AT_ONCE });
  const present = sizes.filter((size) => size !== undefined);
  const here = { files: present.length, bytes: present.reduce((sum, size) => sum + size, 0) };
  const { packages } = options;
  const isWanted = packages ? fileOfPackages(place.manifest, packages) : () => true;
  const missing = all.filter((file, index) => sizes[index] === undefined && file.paths.some(isWanted));
  const filling = new Filling(place, options, here, missing.length);
  filling.report();
  await pMap(missing, (file) => filling.attempt(file), { concurrency: options.jobs });
  return filling.summary;
}

/** Returns the files on demand that a list offers as its newest, each content once. */
function demandedFiles(entries: readonly SnapshotEntry[]): DemandedFile[] {
  const files = new Map<string, DemandedFile>();
  for (const entry of entries) {
    const { name, sha256, source, size, until } = entry;
    if (source === undefined || !isOwnFile(entry) || until !== undefined) continue;
    const known = files.get(sha256);
    if (known) known.paths.push(name);
    else files.set(sha256, { sha256, source, size, paths: [name] });
  }
  return [...files.values()];
}

class Filling {
  readonly summary: FillSummary;
  readonly #place: FillPlace;
  readonly #options: FillOptions;
  readonly #upstream: UpstreamLocation;
  readonly #budget: Budget;
  readonly #total: number;
  #done = 0;
  #received = 0;

  constructor(place: FillPlace, options: FillOptions, here: Amount, total: number) {
    this.#place = place;
    this.#options = options;
    this.#upstream = UpstreamLocation.ofSources(place.root.sources ?? []);
    this.#budget = new Budget(options.maxSize, here.bytes);
    this.#total = total;
    const { version } = place.root;
    this.summary = { version, here, fetched: { files: 0, bytes: 0 }, left: 0, failed: [] };
  }

  report(): void {
    const progress = { label: 'Fetching files', done: this.#done, total: this.#total, bytes: this.#received };
    this.#options.reporter.progress(progress);
  }

  async attempt(file: DemandedFile): Promise<void> {
    await this.#fetch(file).catch((error: unknown) => {
      // Every other file would fail as well.
      if (isDiskFailure(error)) throw error;
      const code = error instanceof MirrorError ? error.code : 'upstream';
      this.summary.failed.push({ path: file.paths[0] ?? '', code, message: diskMessage(error) });
      this.#expectNetwork();
    });
    this.#done += 1;
    this.report();
  }

  #expectNetwork(): void {
    const { failed, fetched } = this.summary;
    if (fetched.files > 0 || failed.length < ENOUGH || failed.some(({ code }) => code !== 'unreachable'))
      return;
    const [first] = failed;
    throw new MirrorError('unreachable', `None of ${ENOUGH} files could be fetched: ${first?.message}`, {
      where: first?.path,
    });
  }

  async #fetch(file: DemandedFile): Promise<void> {
    const url = new URL(file.source);
    const { isLimited } = this.#budget;
    const { maxFileSize = MAX_FILE } = this.#place;
    const announced = file.size ?? (isLimited ? await this.#upstream.sizeOf(url) : undefined);
    if ((announced ?? 0) > maxFileSize) throw tooLarge(file.paths[0] ?? '', maxFileSize);
    if (!this.#budget.reserve(announced)) {
      this.summary.left += 1;
      return;
    }
    const { fetched } = this.summary;
    try {
      const wanted = { url, sha256: file.sha256, limit: announced ?? maxFileSize };
      const digest = await download(this.#upstream, this.#place.folder, wanted, (bytes) => {
        this.#received += bytes;
        this.report();
      });
      if (file.size !== undefined && digest.size !== file.size) throw otherSize(file, digest);
      await this.#place.keep(file, digest);
      fetched.files += 1;
      fetched.bytes += digest.size;
    } catch (error) {
      this.#budget.release(announced);
      throw error;
    }
  }
}

const otherSize = ({ paths: [path], size }: DemandedFile, digest: FileDigest): MirrorError =>
  new MirrorError('mismatch', `${path} has ${digest.size} bytes instead of ${size}.`, {
    where: path,
    expected: `${size} bytes`,
    found: `${digest.size} bytes`,
  });
