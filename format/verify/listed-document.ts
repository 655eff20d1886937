import { sha256Hex } from '../digest.ts';
import { MirrorError } from '../errors.ts';
import type { PublicKey } from '../minisign/public-key.ts';
import type { SnapshotEntry } from '../snapshot/entry.ts';
import type { Root } from '../snapshot/root.ts';
import type { ReportBuilder } from './report.ts';
import type { VerifySource } from './source.ts';

/** What the checks of single documents need. */
export interface DocumentContext {
  source: VerifySource;
  trusted: readonly PublicKey[];
  report: ReportBuilder;
  snapshot: Root;
  /** The snapshot's entry of a name. Throws what makes its leaf unreadable. */
  resolve(name: string): Promise<SnapshotEntry | undefined>;
}

/** Bytes of a listed document, held against the snapshot before anyone parses them. Throws `missing` or `mismatch`. */
export async function readListed(
  { resolve, source }: DocumentContext,
  path: string,
  limit: number,
): Promise<Uint8Array> {
  const entry = await resolve(path);
  if (!entry) {
    throw new MirrorError('missing', `The snapshot does not list ${path}.`, { where: path });
  }
  const bytes = await source.read(entry, limit);
  const found = sha256Hex(bytes);
  if (found !== entry.sha256) {
    throw new MirrorError('mismatch', `${path} has other bytes than the snapshot names.`, {
      where: path,
      expected: entry.sha256,
      found,
    });
  }
  return bytes;
}
