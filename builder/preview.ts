import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { MirrorError } from '../format/errors.ts';
import { isPackageFile } from '../format/layout.ts';
import type { Decision } from '../format/policy.ts';
import { expectUsable, expectWhole } from './directory/mirror.ts';
import { type Dropped, type LeavingFiles, narrowingOf } from './dropped.ts';
import { type Amount, plannedFiles } from './fetch/fetch.ts';
import { type Change, changesOf, packagesOf } from './plan/changes.ts';
import { carriedFiles, type PlannedFile, type Remark } from './plan/plan.ts';
import { type Prepared, type PrepareOptions, prepare } from './prepare.ts';
import type { Reporter } from './reporter.ts';
import { isCommitUnfinished } from './snapshot/journal.ts';
import type { UpstreamLocation } from './upstream/location.ts';

const SIZE_REQUESTS = 8;

/** What `create` would do. */
export interface Preview {
  directory: string;
  /** True: nothing was written. */
  dry_run: true;
  packages: number;
  /** `bytes` are those of files whose size the upstream declares. */
  fetch: Amount & { of_unknown_size: number };
  link: Amount;
  keep: Amount;
  /** Files that would only be listed, to come on demand. */
  on_demand: number;
  /** Package files that leave the index; they stay on disk through their grace period, and then until `prune`. */
  remove: LeavingFiles;
  /** What the mirror would no longer have. */
  dropped: Dropped[];
  changes: Change[];
  skipped: Remark[];
  failed: Remark[];
  kept: string[];
  /** What the policy decides. */
  decisions: Decision[];
}

/** Plans as `create` does, and returns what it would do. Writes nothing into the directory. Throws as `createMirror`. */
export async function previewMirror(options: PrepareOptions): Promise<Preview> {
  const prepared = await prepareElsewhere(options);
  try {
    return {
      ...{ directory: options.directory, dry_run: true, packages: packagesOf(prepared.plan).length },
      ...(await sortFiles(options, prepared)),
      ...narrowingOf(prepared),
      changes: changesOf(prepared.previous, prepared.plan),
      ...{ skipped: prepared.plan.skipped, failed: prepared.plan.failed, kept: prepared.plan.kept },
      decisions: prepared.plan.policy.decisions,
    };
  } finally {
    await prepared.close();
  }
}

/** Plans as `create` does, without writing into the directory. To be closed. Throws as `createMirror`. */
export async function prepareElsewhere(options: PrepareOptions): Promise<Prepared> {
  await expectUsable(options.directory);
  if (await isCommitUnfinished(options.directory)) await expectWhole(options.directory);
  return prepare(options, await mkdtemp(join(tmpdir(), 'stout-mirror-')));
}

async function sortFiles(
  { reporter }: PrepareOptions,
  { plan, index, source, stage, previous }: Prepared,
): Promise<Pick<Preview, 'fetch' | 'link' | 'keep' | 'on_demand'>> {
  const amounts = {
    fetch: { files: 0, bytes: 0, of_unknown_size: 0 },
    link: none(),
    keep: none(),
    on_demand: 0,
  };
  const planned = plannedFiles(plan);
  const paths = new Set(planned.map(({ path }) => path));
  for (const { path, size } of carriedFiles(plan)) {
    if (!isPackageFile(path) || paths.has(path)) continue;
    if (previous?.isOnDemand(path)) amounts.on_demand += 1;
    else add(amounts.keep, size);
  }
  const missing: PlannedFile[] = [];
  for (const file of planned) {
    const wanted = file.sha256 ?? file.before;
    const isListed = file.source !== undefined && previous?.isOnDemand(file.path) === true;
    const here = wanted && !file.forced && !isListed ? await stage.keepBytes(file.path, wanted) : undefined;
    const elsewhere = file.sha256 && !file.forced ? source?.sizeOf(file.sha256) : undefined;
    if (here) add(amounts.keep, here.size);
    else if (elsewhere !== undefined) add(amounts.link, elsewhere);
    else if (file.source !== undefined) amounts.on_demand += 1;
    else missing.push(file);
  }
  const sizes = await sizesAt(index.location, missing, reporter);
  for (const { path } of missing) {
    const size = sizes.get(path);
    add(amounts.fetch, size);
    if (size === undefined) amounts.fetch.of_unknown_size += 1;
  }
  return amounts;
}

/** Asks an upstream for the sizes of files, and returns those that it declares, by path. */
export async function sizesAt(
  location: UpstreamLocation,
  files: readonly PlannedFile[],
  reporter: Reporter,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  let done = 0;
  const ask = async ({ path, url, headers, from = location }: PlannedFile): Promise<void> => {
    const size = await from.sizeOf(from.resolve(url), headers).catch(unknownSize);
    if (size !== undefined) sizes.set(path, size);
    done += 1;
    reporter.progress({ label: 'Asking for sizes', done, total: files.length, bytes: 0 });
  };
  await pMap(files, ask, { concurrency: SIZE_REQUESTS });
  return sizes;
}

/** The real run reports files that are not available; a preview only lacks their size. */
function unknownSize(error: unknown): undefined {
  if (error instanceof MirrorError || (error instanceof Error && 'syscall' in error)) return undefined;
  throw error;
}

const none = (): Amount => ({ files: 0, bytes: 0 });

function add(amount: Amount, size = 0): void {
  amount.files += 1;
  amount.bytes += size;
}
