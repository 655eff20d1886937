import { textOf } from '../../format/bytes.ts';
import { MirrorError } from '../../format/errors.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { blake2b512 } from '../../format/minisign/blake2.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { hexOf } from './support.ts';

/** What storage recorded of each file at upload, besides its size. */
export type Records = 'sha256' | 'md5' | 'nothing';

export interface MemorySource extends VerifySource {
  /** Paths that were inspected, in order. */
  inspected: string[];
  /** How many leaves were read. */
  leafReads: number;
}

/** Returns a verification source over files in memory, in place of a bucket or a directory. */
export function memorySource(
  files: ReadonlyMap<string, Uint8Array>,
  { records = 'sha256', prehash = true }: { records?: Records; prehash?: boolean } = {},
): MemorySource {
  const get = (path: string): Uint8Array => {
    const bytes = files.get(path);
    if (!bytes) throw new MirrorError('missing', `${path} is missing.`, { where: path });
    return bytes;
  };
  const source: MemorySource = {
    inspected: [],
    leafReads: 0,
    signedRoot: async () => ({
      root: get(ROOT),
      signature: textOf(get(signaturePath(ROOT)), signaturePath(ROOT)),
    }),
    leaf: async (reference) => {
      source.leafReads += 1;
      return get(leafPath(reference.sha256));
    },
    read: async (entry, limit) => {
      const bytes = get(filePathOf(entry));
      if (bytes.length > limit)
        throw new MirrorError('too-large', 'Too large.', { where: filePathOf(entry) });
      return bytes;
    },
    inspect: async (entries, depth) => {
      source.inspected.push(...entries.map(filePathOf));
      return entries.map((entry) => evidenceOf(files, entry, depth === 'deep' ? 'bytes' : records));
    },
  };
  if (prehash) source.prehash = async (entry) => blake2b512(get(filePathOf(entry)));
  return source;
}

function evidenceOf(
  files: ReadonlyMap<string, Uint8Array>,
  entry: SnapshotEntry,
  kind: Records | 'bytes',
): Evidence {
  const bytes = files.get(filePathOf(entry));
  if (!bytes) return { kind: 'absent' };
  const size = bytes.length;
  switch (kind) {
    case 'bytes':
      return { kind: 'bytes', size, sha256: hexOf('sha256', bytes) };
    case 'sha256':
      return { kind: 'recorded', size, sha256: hexOf('sha256', bytes) };
    case 'md5':
      return { kind: 'recorded', size, md5: hexOf('md5', bytes) };
    case 'nothing':
      return { kind: 'recorded', size };
  }
}
