import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import type { FileDigest } from '../directory/hash.ts';
import type { Plan, PlannedFile } from '../plan/plan.ts';
import type { CreateOptions } from './create.ts';
import { download } from './download.ts';
import type { Staging } from './staging.ts';

/** The distinct files of a plan. Throws `bad-input` when two that differ would stand at one path. */
export function plannedFiles({ formulas, casks }: Plan): PlannedFile[] {
  const all = [
    ...formulas.flatMap((formula) => [...formula.bottles.values()]),
    ...casks.flatMap((cask) => [...cask.files.values()]),
  ];
  const byPath = new Map<string, PlannedFile>();
  for (const file of all) {
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
  const bring = async ({ url, sha256 }: PlannedFile): Promise<FileDigest> => {
    const digest = await download(upstream, directory, { url: upstream.resolve(url), sha256 }, (count) => {
      fetched.bytes += count;
      tell();
    });
    fetched.files += 1;
    return digest;
  };
  /** By SHA-256: two paths may have the same bytes, and two downloads must never write one part. */
  const coming = new Map<string, Promise<FileDigest>>();
  const fetchOne = async (file: PlannedFile): Promise<void> => {
    const { path, sha256 } = file;
    if (!(await staging.keep(path, sha256))) {
      const digest = coming.get(sha256) ?? bring(file);
      coming.set(sha256, digest);
      staging.adopt(path, await digest);
    }
    done += 1;
    tell();
  };
  await pMap(
    files,
    (file) => fetchOne(file).catch((error: unknown) => failures.push(`${file.path}: ${messageOf(error)}`)),
    { concurrency: jobs },
  );
  if (failures.length > 0) throw incomplete(failures, files.length, upstream.base.href);
  return fetched;
}

function incomplete(failures: string[], wanted: number, where: string): MirrorError {
  const message = `${failures.length} of ${wanted} files could not be fetched; the mirror is unchanged.`;
  return new MirrorError('upstream', [message, ...failures.sort()].join('\n  '), { where });
}
