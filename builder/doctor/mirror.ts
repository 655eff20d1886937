import { stat } from 'node:fs/promises';
import type { Manifest } from '../../format/manifest.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { filePathOf, isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { expectWhole, readSignedRoot } from '../directory/mirror.ts';
import { ownFile } from '../directory/paths.ts';
import { isAbsent } from '../directory/write.ts';
import { readSignedMirror } from '../snapshot/signed-mirror.ts';
import { counted } from '../units.ts';
import { failed, ok, type Result } from './finding.ts';
import { type Judged, judge } from './snapshot.ts';

/** Names that a message lists. */
const MAX_NAMES = 3;

/**
 * Judges a mirror in a folder: that no change of it was interrupted, its signature and age, and that each file is here with its
 * size. Reads the documents of the snapshot, but no package. Throws as its parts do.
 */
export async function judgeFolder(
  directory: string,
  trusted: readonly PublicKey[],
  now: Date,
): Promise<Judged & { manifest: Manifest | undefined }> {
  await expectWhole(directory);
  const renew = 'Sign it again: stout-mirror sign. A daily timer keeps it valid.';
  const judged = judge(await readSignedRoot(directory), trusted, { title: directory, now, renew });
  const { entries, manifest } = await readSignedMirror(directory, judged.root);
  return {
    ...judged,
    manifest,
    results: [...judged.results, await files(directory, entries.filter(isOwnFile))],
  };
}

async function files(directory: string, entries: readonly SnapshotEntry[]): Promise<Result> {
  const bad: string[] = [];
  let onDemand = 0;
  for (const entry of entries) {
    const found = await sizeOf(directory, filePathOf(entry));
    if (found === undefined && entry.source !== undefined) onDemand += 1;
    else if (found !== entry.size && (entry.size !== undefined || found === undefined)) bad.push(entry.name);
  }
  if (bad.length > 0) {
    const more = bad.length > MAX_NAMES ? ` and ${bad.length - MAX_NAMES} more` : '';
    const message = `${counted(bad.length, 'file')} missing or of another size: ${bad.slice(0, MAX_NAMES).join(', ')}${more}.`;
    return failed('missing', message, 'Run create or update again, which fetches what is missing.');
  }
  const remark = onDemand > 0 ? `, ${onDemand} on demand` : '';
  return ok(`${counted(entries.length, 'file')}, each with its size${remark}; verify checks every byte`);
}

async function sizeOf(directory: string, path: string): Promise<number | undefined> {
  const found = await stat(ownFile(directory, path)).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  return found?.size;
}
