import { hasCode, MirrorError } from '../../format/errors.ts';
import { leafPath, ROOT } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { isExpired, type Root, type TrustedRoot } from '../../format/snapshot/root.ts';
import { expectWhole, readSignedRoot } from '../directory/mirror.ts';
import { readMirrorFile } from '../directory/read.ts';
import type { Amount } from '../fetch/fetch.ts';
import type { Reporter } from '../reporter.ts';
import { isCommitUnfinished } from '../snapshot/journal.ts';
import { openOwnRoot } from '../snapshot/signed-mirror.ts';
import { MAX_PARTS } from './about.ts';
import { filesToCarry, splitIntoParts } from './carried.ts';
import { type Head, headMembers } from './head.ts';
import { memberSize } from './part-writer.ts';
import { readBase } from './since.ts';
import { amountOf, expectOutput, type WrittenPart, writeParts } from './write-parts.ts';

/** What `bundle` works with. */
export interface BundleOptions {
  directory: string;
  /** The file to write. Of several parts, each has its number before the extension. */
  output: string;
  /** An earlier bundle, a receipt, or a snapshot that the folder keeps: the files that it lists are left out. */
  since?: string | undefined;
  /** Longest part, bytes. */
  maxSize?: number | undefined;
  trusted: readonly PublicKey[];
  now: Date;
  reporter: Reporter;
}

/** What `bundle` wrote. */
export interface BundleSummary {
  directory: string;
  version: number;
  /** The version whose files are left out. */
  since: number | null;
  expires_at: string;
  /** The files of the mirror that the bundle has. */
  carried: Amount;
  /** Files on demand that the folder does not have. */
  on_demand: number;
  parts: WrittenPart[];
}

/**
 * Writes the files of a mirror, or those that a mirror of an earlier version lacks, as one tar archive or several. Every
 * byte is compared with the signed list on the way. The same mirror and base give the same bytes at
 * the same time: superseded files are left out once their time has come. No part is in its place
 * before all are complete. Throws `mismatch`, `missing`, `expired`, `too-large`, `refused`, `rolled-back`,
 * `not-found` for a `since` that the folder does not keep, or `bad-signature`.
 */
export async function bundleMirror(options: BundleOptions): Promise<BundleSummary> {
  const { directory, output, trusted, now } = options;
  await expectOutput(output, directory);
  await expectWhole(directory);
  const signed = openOwnRoot(await readSignedRoot(directory), trusted, directory);
  expectFresh(signed.snapshot, now);
  try {
    return await bundleSigned(options, signed);
  } catch (cause) {
    if (!hasCode(cause, 'mismatch', 'missing') || !(await hasChanged(directory, signed))) throw cause;
    const message = `${directory} changed while it was bundled: run bundle again.`;
    throw new MirrorError('mismatch', message, { where: directory, cause });
  }
}

/** Returns true if another command has changed a mirror since its root was read, or is changing it. */
async function hasChanged(directory: string, { signature }: TrustedRoot): Promise<boolean> {
  if (await isCommitUnfinished(directory)) return true;
  return (await readSignedRoot(directory)).signature !== signature;
}

async function bundleSigned(options: BundleOptions, signed: TrustedRoot): Promise<BundleSummary> {
  const { directory, output, maxSize = Number.MAX_SAFE_INTEGER, now, reporter } = options;
  const { snapshot } = signed;
  const base = options.since === undefined ? undefined : await readBase(options.since, options, snapshot);
  const { leaves, entries } = await readList(directory, snapshot);
  const { files, absent } = await filesToCarry(directory, entries, base?.entries ?? [], now);
  const since = base?.signed.snapshot.version ?? null;
  const longest = headMembers({ signed, leaves, about: { part: MAX_PARTS, parts: MAX_PARTS, since } });
  const headSize = longest.reduce((sum, { header }) => sum + memberSize(header), 0);
  const parts = splitIntoParts(files, headSize, maxSize);
  const written = await writeParts(output, { directory, signed, leaves, since }, parts, reporter);
  const { version, expires_at } = snapshot;
  const carried = amountOf(files);
  return { directory, version, since, expires_at, carried, on_demand: absent, parts: written };
}

/** Reads the signed list, as the bytes that a bundle carries and as entries. */
async function readList(directory: string, snapshot: Root): Promise<Pick<Head, 'leaves' | 'entries'>> {
  const leaves = await Promise.all(
    snapshot.leaves.map(({ sha256, size }) => readMirrorFile(directory, leafPath(sha256), size)),
  );
  return { leaves, entries: leaves.flatMap((bytes, index) => new Leaf(bytes, snapshot, index).entries()) };
}

function expectFresh(snapshot: Root, now: Date): void {
  if (!isExpired(snapshot, now)) return;
  const message =
    'The signatures of this mirror have expired: run sign, which renews them, then make the bundle.';
  throw new MirrorError('expired', message, {
    where: ROOT,
    expected: `a time before ${snapshot.expires_at}`,
    found: now.toISOString(),
  });
}
