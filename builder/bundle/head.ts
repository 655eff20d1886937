import { utf8 } from '../../format/bytes.ts';
import { MirrorError } from '../../format/errors.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { MAX_SIGNATURE } from '../../format/minisign/signature.ts';
import { isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import { openRoot, type TrustedRoot } from '../../format/snapshot/root.ts';
import { MAX_FILE } from '../directory/plain-file.ts';
import { ABOUT, type About, encodeAbout, MAX_ABOUT, parseAbout } from './about.ts';
import { type Allowance, type Member, readMember } from './members.ts';
import type { MemberHeader } from './part-writer.ts';

/** Enough for all that precedes the leaves, and for the padding of the archive before, bytes. */
const ROOM = 16 * 1024 * 1024;
/** Most that tar adds to a member, bytes: headers and padding. */
const OVERHEAD = 3072;

/** What every part of a bundle begins with: its place, the signed root and the whole list of files. */
export interface Head {
  about: About;
  signed: TrustedRoot;
  leaves: readonly Uint8Array[];
  entries: readonly SnapshotEntry[];
}

/** Returns what may be read of an archive before its root is known. */
export const newAllowance = (): Allowance => ({ bytes: ROOM });

/** Returns the members that make up a head, with their bytes. */
export function headMembers({
  about,
  signed,
  leaves,
}: Omit<Head, 'entries'>): { header: MemberHeader; bytes: Uint8Array }[] {
  const modified = Math.floor(Date.parse(signed.snapshot.created_at) / 1000);
  const paths = signed.snapshot.leaves.map(({ sha256 }) => leafPath(sha256));
  const members: [string, Uint8Array][] = [
    [ABOUT, encodeAbout(about)],
    [ROOT, signed.root],
    [signaturePath(ROOT), utf8(signed.signature)],
    ...leaves.map((bytes, index): [string, Uint8Array] => [paths[index] ?? '', bytes]),
  ];
  return members.map(([name, bytes]) => ({ header: { name, size: bytes.length, modified }, bytes }));
}

/**
 * Reads the head of a part, from its first member on, and raises the allowance to what its signed list has. Throws
 * `bad-signature`, `mismatch` or `bad-input` for a head that the trusted keys did not sign whole.
 */
export async function readHead(
  first: Member | undefined,
  members: AsyncIterator<Member>,
  where: string,
  trusted: readonly PublicKey[],
  allowance: Allowance,
): Promise<Head> {
  const about = parseAbout(
    await readMember(expectName(first, ABOUT, where), MAX_ABOUT),
    `${ABOUT} in ${where}`,
  );
  const next = async (name: string, limit: number): Promise<Uint8Array> => {
    const { value, done } = await members.next();
    return readMember(expectName(done ? undefined : value, name, where), limit);
  };
  const root = await next(ROOT, MAX_POINTER_SIZE);
  const signature = Buffer.from(await next(signaturePath(ROOT), MAX_SIGNATURE)).toString('utf8');
  const signed = inPart(where, () => openRoot({ root, signature }, trusted));
  const { leaves: references } = signed.snapshot;
  allowance.bytes = references.reduce((sum, { size }) => sum + size + OVERHEAD, ROOM);
  const leaves: Uint8Array[] = [];
  const entries: SnapshotEntry[] = [];
  for (const [index, { sha256, size }] of references.entries()) {
    const bytes = await next(leafPath(sha256), size);
    const leaf = inPart(where, () => new Leaf(bytes, signed.snapshot, index).entries());
    for (const entry of leaf) entries.push(entry);
    leaves.push(bytes);
  }
  const files = entries.filter(isOwnFile);
  allowance.bytes += files.reduce((sum, { size = MAX_FILE }) => sum + size + OVERHEAD, 0);
  return { about, signed, leaves, entries };
}

function expectName(member: Member | undefined, name: string, where: string): Member {
  if (member?.name === name) return member;
  const found = member?.name.slice(0, 200) ?? 'the end of the archive';
  throw new MirrorError(
    'bad-input',
    `${where} is not a part of a bundle, or is damaged: ${name} is not in its place.`,
    {
      ...{ where, expected: name, found },
    },
  );
}

/** Names a part in the errors of work on what it has. */
export function inPart<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof MirrorError)) throw cause;
    const { code, message, expected, found } = cause;
    throw new MirrorError(code, `In ${where}: ${message}`, { where, expected, found, cause });
  }
}
