import { stat } from 'node:fs/promises';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { ROOT } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { TrustedRoot } from '../../format/snapshot/root.ts';
import { withFolderToMake } from '../directory/folder-to-make.ts';
import { readSignedRoot } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import { ifPresent, isPresent } from '../directory/write.ts';
import type { Reporter } from '../reporter.ts';
import { rollForward } from '../snapshot/journal.ts';
import { openOwnRoot } from '../snapshot/signed-mirror.ts';
import { readSeen, rememberSnapshot } from '../verify/seen.ts';
import { commitBundle } from './commit-bundle.ts';
import { expectFitting } from './fitting.ts';
import type { Head } from './head.ts';
import { type ReceiveOptions, receiveBundle } from './receive.ts';
import { keepRest } from './rest.ts';
import { expectOutput, writeReceipt } from './write-parts.ts';

/** What `unbundle` works with. */
export interface UnbundleOptions extends ReceiveOptions {
  /** Where to write the receipt, if anywhere. */
  receipt?: string | undefined;
  /** Accept an older snapshot than one that was accepted before, or one by an older key. */
  allowOlder: boolean;
  /** Folder that keeps which versions were accepted. */
  stateFolder: string;
  now: Date;
}

/** What `unbundle` did. */
export interface UnbundleSummary {
  directory: string;
  version: number;
  /** The version that the folder had. */
  previous_version: number | null;
  expires_at: string;
  /** Files and bytes of the mirror. */
  files: number;
  bytes: number;
  /** Those of them that the folder does not have, because they come on demand. */
  on_demand: number;
  /** False if the folder had this snapshot already, whole. */
  changed: boolean;
}

/**
 * Makes a folder the mirror that a bundle describes, in one step for readers: every byte that it brings, and every file
 * that it leaves out, is checked against the signed list first. A package file that has not been touched since it was last
 * read counts
 * as read (`KnownFiles`). After any failure before that step, the mirror is unchanged.
 * Throws what {@link receiveBundle}, `expectFitting` and {@link keepRest} throw, and `locked`.
 */
export async function unbundle(options: UnbundleOptions): Promise<UnbundleSummary> {
  const { directory, receipt, parts, now } = options;
  if (receipt !== undefined) {
    await expectOutput(receipt, directory);
    await expectNoPart(receipt, parts);
  }
  return withFolderToMake(directory, now, () => apply(options));
}

async function apply(options: UnbundleOptions): Promise<UnbundleSummary> {
  const { directory, trusted, now, allowOlder, stateFolder, receipt, reporter } = options;
  await rollForward(directory);
  const present = await presentRoot(directory, trusted, reporter);
  const seen = await readSeen(stateFolder);
  const received = await receiveBundle(options, (head, where) => {
    const known = allowOlder ? undefined : (seen[head.signed.snapshot.mirror] ?? {});
    expectFitting(head, { directory, present, trusted, seen: known, now }, where);
  });
  const { head } = received;
  const { snapshot, signer } = head.signed;
  const { obsolete, absent } = await keepRest(received, { directory, present, now });
  const changed = await commitBundle(directory, received, { obsolete, now });
  await rememberSnapshot(stateFolder, snapshot, signer).catch((error: unknown) => {
    reporter.warn(`The version that was accepted could not be saved: ${messageOf(error)}`);
  });
  if (receipt !== undefined) await leaveReceipt(receipt, directory, head);
  const { version, expires_at, totals } = snapshot;
  const previous = present?.snapshot.version ?? null;
  return {
    directory,
    version,
    previous_version: previous,
    expires_at,
    ...totals,
    on_demand: absent,
    changed,
  };
}

/** Throws `usage` for a receipt that would replace a part. */
async function expectNoPart(receipt: string, parts: readonly string[]): Promise<void> {
  const fileAt = async (path: string) => ifPresent(stat(path, { bigint: true }));
  const found = await fileAt(receipt);
  for (const part of parts) {
    const other = part === '-' ? undefined : await fileAt(part);
    if (found === undefined || found.dev !== other?.dev || found.ino !== other.ino) continue;
    throw new MirrorError('usage', `${receipt} is a part of the bundle: write the receipt to another file.`, {
      where: receipt,
    });
  }
}

/** Writes the receipt. By now the mirror has changed, which the error must say. */
async function leaveReceipt(receipt: string, directory: string, head: Head): Promise<void> {
  try {
    await writeReceipt(receipt, { directory, ...head });
  } catch (cause) {
    const { version } = head.signed.snapshot;
    const message = `The mirror has version ${version} now, but its receipt was not written: ${messageOf(cause)}`;
    const code = cause instanceof MirrorError ? cause.code : 'disk';
    throw new MirrorError(code, message, { where: receipt, cause });
  }
}

/** Returns the signed root of a folder, if there is one. A damaged one counts for nothing; a whole bundle replaces it. */
export async function presentRoot(
  directory: string,
  trusted: readonly PublicKey[],
  reporter: Reporter,
): Promise<TrustedRoot | undefined> {
  if (!(await isPresent(localPath(directory, ROOT)))) return undefined;
  try {
    return openOwnRoot(await readSignedRoot(directory), trusted, directory);
  } catch (error) {
    if (!(error instanceof MirrorError) || error.code === 'refused') throw error;
    reporter.warn(`The snapshot in ${directory} is damaged and counts for nothing: ${error.message}`);
    return undefined;
  }
}
