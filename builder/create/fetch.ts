import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import type { Plan, PlannedFile } from '../plan/plan.ts';
import type { CreateOptions } from './create.ts';
import { download } from './download.ts';
import type { Staging } from './staging.ts';

/** The distinct files of a plan. */
export function plannedFiles({ formulas, casks }: Plan): PlannedFile[] {
  const all = [
    ...formulas.flatMap((formula) => [...formula.bottles.values()]),
    ...casks.flatMap((cask) => [...cask.files.values()]),
  ];
  return [...new Map(all.map((file) => [file.path, file])).values()];
}

/**
 * Keeps or downloads every planned file; tells what was downloaded.
 * Throws `upstream` once all were tried, listing each that failed.
 */
export async function bringIn(
  { directory, upstream, jobs, reporter }: CreateOptions,
  files: readonly PlannedFile[],
  staging: Staging,
): Promise<{ files: number; bytes: number }> {
  const fetched = { files: 0, bytes: 0 };
  const failures: string[] = [];
  let done = 0;
  const tell = (): void =>
    reporter.progress({ label: 'Fetching packages', done, total: files.length, bytes: fetched.bytes });
  const fetchOne = async ({ path, url, sha256 }: PlannedFile): Promise<void> => {
    if (!(await staging.keep(path, sha256))) {
      const digest = await download(upstream, directory, { url: upstream.resolve(url), sha256 }, (count) => {
        fetched.bytes += count;
        tell();
      });
      staging.adopt(path, digest);
      fetched.files += 1;
    }
    done += 1;
    tell();
  };
  await pMap(
    files,
    (file) => fetchOne(file).catch((error: unknown) => failures.push(`${file.path}: ${messageOf(error)}`)),
    { concurrency: jobs },
  );
  if (failures.length > 0) {
    const message = `${failures.length} of ${files.length} files could not be fetched; the mirror is unchanged.`;
    throw new MirrorError('upstream', [message, ...failures.sort()].join('\n  '), {
      where: upstream.base.href,
    });
  }
  return fetched;
}
