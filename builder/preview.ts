import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { MirrorError } from '../format/errors.ts';
import { isPackageFile } from '../format/layout.ts';
import { expectUsable, expectWhole } from './directory/mirror.ts';
import { type Amount, plannedFiles } from './fetch/fetch.ts';
import { type Change, changesBetween, packagesOf } from './plan/changes.ts';
import { carriedFiles, type PlannedFile, type Remark } from './plan/plan.ts';
import { type Prepared, type PrepareOptions, prepare } from './prepare.ts';
import { isCommitUnfinished } from './snapshot/journal.ts';

const SIZE_REQUESTS = 8;

/** What an update would change. */
export interface ChangesPreview {
  changes: Change[];
  skipped: Remark[];
  kept: string[];
}

/** What `create` would do. */
export interface Preview extends ChangesPreview {
  directory: string;
  /** True: nothing was written. */
  dry_run: true;
  packages: number;
  /** `bytes` are those of files whose size the upstream declares. */
  fetch: Amount & { of_unknown_size: number };
  link: Amount;
  keep: Amount;
  /** Package files that leave the index; they stay on disk through their grace period, and then until `prune`. */
  remove: Amount & { paths: string[] };
  failed: Remark[];
}

/** Plans as `create` does, and returns what it would do. Writes nothing into the directory. Throws as `createMirror`. */
export async function previewMirror(options: PrepareOptions): Promise<Preview> {
  const prepared = await prepareElsewhere(options);
  try {
    return {
      ...{ directory: options.directory, dry_run: true, packages: packagesOf(prepared.plan).length },
      ...(await sortFiles(options, prepared)),
      remove: removedFiles(prepared),
      ...changesOf(prepared),
      failed: prepared.plan.failed,
    };
  } finally {
    await prepared.close();
  }
}

/** Returns what an update would change, planned as {@link previewMirror} does but without asking for sizes. */
export async function previewChanges(options: PrepareOptions): Promise<ChangesPreview> {
  const prepared = await prepareElsewhere(options);
  try {
    return changesOf(prepared);
  } finally {
    await prepared.close();
  }
}

const changesOf = ({ plan, previous }: Prepared): ChangesPreview => ({
  changes: changesBetween(previous, plan),
  skipped: plan.skipped,
  kept: plan.kept,
});

/** Plans without writing into the directory. */
async function prepareElsewhere(options: PrepareOptions): Promise<Prepared> {
  await expectUsable(options.directory);
  if (await isCommitUnfinished(options.directory)) await expectWhole(options.directory);
  return prepare(options, await mkdtemp(join(tmpdir(), 'stout-mirror-')));
}

async function sortFiles(
  { reporter }: PrepareOptions,
  { plan, index, source, stage }: Prepared,
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
    const here = wanted && !file.forced ? await stage.keep(file.path, wanted) : undefined;
    const elsewhere = file.sha256 && !file.forced ? source?.sizeOf(file.sha256) : undefined;
    if (here) add(amounts.keep, here.size);
    else if (elsewhere !== undefined) add(amounts.link, elsewhere);
    else missing.push(file);
  }
  const askSize = async ({ url, headers, from = index.location }: PlannedFile): Promise<void> => {
    const size = await from.sizeOf(from.resolve(url), headers).catch(unknownSize);
    add(amounts.fetch, size ?? 0);
    if (size === undefined) amounts.fetch.of_unknown_size += 1;
    const { files: done } = amounts.fetch;
    reporter.progress({ label: 'Asking for sizes', done, total: missing.length, bytes: 0 });
  };
  await pMap(missing, askSize, { concurrency: SIZE_REQUESTS });
  return amounts;
}

/** The real run reports files that are not available; a preview only lacks their size. */
function unknownSize(error: unknown): undefined {
  if (error instanceof MirrorError || (error instanceof Error && 'syscall' in error)) return undefined;
  throw error;
}

function removedFiles({ plan, previous, source }: Prepared): Preview['remove'] {
  const kept = new Set([...plannedFiles(plan), ...carriedFiles(plan)].map(({ path }) => path));
  // Files of the other mirror stay there.
  const entries = source ? [] : (previous?.entries ?? []);
  const gone = entries.filter(
    ({ name, until }) => isPackageFile(name) && until === undefined && !kept.has(name),
  );
  const bytes = gone.reduce((sum, { size = 0 }) => sum + size, 0);
  return { files: gone.length, bytes, paths: gone.map(({ name }) => name) };
}

const none = (): Amount => ({ files: 0, bytes: 0 });

function add(amount: Amount, size = 0): void {
  amount.files += 1;
  amount.bytes += size;
}
