import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { isPackageFile } from '../../format/layout.ts';
import { expectUsable, expectWhole } from '../directory/mirror.ts';
import { type Amount, plannedFiles } from '../fetch/fetch.ts';
import { isCommitUnfinished } from '../snapshot/commit.ts';
import { type Change, changesBetween, packagesOf } from './changes.ts';
import { carriedFiles, type PlannedFile, type Remark } from './plan.ts';
import { type Prepared, type PrepareOptions, withPlan } from './prepare.ts';

const SIZE_REQUESTS = 8;

/** What `create` would do. */
export interface Preview {
  directory: string;
  /** True: nothing was written. */
  dry_run: true;
  packages: number;
  /** Bytes are those of files whose size the upstream tells. */
  fetch: Amount & { of_unknown_size: number };
  link: Amount;
  keep: Amount;
  /** Package files that leave the index; they stay on disk until `prune`. */
  remove: Amount & { paths: string[] };
  changes: Change[];
  skipped: Remark[];
  failed: Remark[];
  kept: string[];
}

/** Plans as `create` does, and tells what would come of it. Writes nothing into the directory. Throws as `createMirror`. */
export async function previewMirror(options: PrepareOptions): Promise<Preview> {
  return withPreparedPlan(options, async (prepared) => {
    const { plan, previous } = prepared;
    const { fetch, link, keep } = await sortFiles(options, prepared);
    return {
      directory: options.directory,
      dry_run: true,
      packages: packagesOf(plan).length,
      fetch,
      link,
      keep,
      remove: removedFiles(prepared),
      changes: changesBetween(previous, plan),
      skipped: plan.skipped,
      failed: plan.failed,
      kept: plan.kept,
    };
  });
}

/** What an update would change, planned as {@link previewMirror} does without asking for sizes. */
export const previewChanges = (
  options: PrepareOptions,
): Promise<Pick<Preview, 'changes' | 'skipped' | 'kept'>> =>
  withPreparedPlan(options, async ({ plan, previous }) => ({
    changes: changesBetween(previous, plan),
    skipped: plan.skipped,
    kept: plan.kept,
  }));

async function withPreparedPlan<T>(
  options: PrepareOptions,
  work: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  await expectUsable(options.directory);
  if (await isCommitUnfinished(options.directory)) await expectWhole(options.directory);
  const scratch = await mkdtemp(join(tmpdir(), 'stout-mirror-'));
  try {
    return await withPlan(options, scratch, work);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function sortFiles(
  { reporter }: PrepareOptions,
  { plan, index, source, staging }: Prepared,
): Promise<Pick<Preview, 'fetch' | 'link' | 'keep'>> {
  const amounts = { fetch: { files: 0, bytes: 0, of_unknown_size: 0 }, link: none(), keep: none() };
  const planned = plannedFiles(plan);
  const paths = new Set(planned.map(({ path }) => path));
  for (const { path, size } of carriedFiles(plan)) {
    if (isPackageFile(path) && !paths.has(path)) add(amounts.keep, size);
  }
  const missing: PlannedFile[] = [];
  for (const file of planned) {
    const wanted = file.sha256 ?? file.before;
    const here = wanted && !file.forced ? await staging.keep(file.path, wanted) : undefined;
    const elsewhere = file.sha256 && !file.forced ? source?.sizeOf(file.sha256) : undefined;
    if (here) add(amounts.keep, here.size);
    else if (elsewhere !== undefined) add(amounts.link, elsewhere);
    else missing.push(file);
  }
  await pMap(
    missing,
    async ({ url, from = index.location }) => {
      const size = await from.sizeOf(from.resolve(url)).catch(unknownSize);
      add(amounts.fetch, size ?? 0);
      if (size === undefined) amounts.fetch.of_unknown_size += 1;
      reporter.progress({
        label: 'Asking for sizes',
        done: amounts.fetch.files,
        total: missing.length,
        bytes: 0,
      });
    },
    { concurrency: SIZE_REQUESTS },
  );
  return amounts;
}

/** What cannot be had is told by the real run; a plan only lacks its size. */
function unknownSize(error: unknown): undefined {
  if (error instanceof MirrorError || (error instanceof Error && 'syscall' in error)) return undefined;
  throw error;
}

function removedFiles({ plan, previous, source }: Prepared): Preview['remove'] {
  const kept = new Set([...plannedFiles(plan), ...carriedFiles(plan)].map(({ path }) => path));
  // The other mirror keeps what it has.
  const entries = source ? [] : (previous?.entries ?? []);
  const gone = entries.filter(({ name }) => isPackageFile(name) && !kept.has(name));
  return {
    files: gone.length,
    bytes: gone.reduce((sum, { size }) => sum + size, 0),
    paths: gone.map(({ name }) => name),
  };
}

const none = (): Amount => ({ files: 0, bytes: 0 });

function add(amount: Amount, size: number): void {
  amount.files += 1;
  amount.bytes += size;
}
