import * as v from 'valibot';
import { textOf, utf8 } from '../bytes.ts';
import { MirrorError } from '../errors.ts';
import { parseSnapshotName, type SnapshotId, snapshotName } from '../layout.ts';
import { parseJson } from '../parse.ts';
import { secondsSchema } from '../schemas.ts';
import type { PublishedRoot } from '../store.ts';
import type { SignedRoot } from './root.ts';

const signedSchema = { root: v.string(), signature: v.string() };

const nameSchema = v.pipe(
  v.string(),
  v.transform(parseSnapshotName),
  v.custom<SnapshotId>((id) => id !== undefined, 'Not the name of a snapshot.'),
);
const moveSchema = v.object({ snapshot: nameSchema, moved_at: secondsSchema });
const channelSchema = v.object({ ...signedSchema, moved_at: secondsSchema, history: v.array(moveSchema) });

/** Moves that readers of a pointer are given: a channel may have had a thousand snapshots, and checking each name takes time. */
const MAX_MOVES = 10;
const firstMoves = v.pipe(
  v.array(v.unknown()),
  v.transform((moves) => moves.slice(0, MAX_MOVES)),
  v.array(moveSchema),
);
/** What is not signed is for people to look at: a fault there must not keep the snapshot from being served. */
const pointerSchema = v.object({
  ...signedSchema,
  moved_at: v.fallback(v.optional(secondsSchema), undefined),
  history: v.fallback(v.optional(firstMoves), undefined),
});

/** Maximum size in bytes of a root, and of a channel or a kept snapshot, which contain one: enough for 20,000 leaves. */
export const MAX_POINTER_SIZE = 8 * 1024 * 1024;

/** A snapshot that a channel has or had, and the time from which it had it, Unix seconds. */
export interface Move {
  snapshot: SnapshotId;
  moved_at: number;
}

/** What a channel names: its live snapshot, since when it is live there, and what was live there before, the last first. */
export interface ChannelPointer extends SignedRoot {
  moved_at: number;
  history: readonly Move[];
}

/** Encodes a kept snapshot: a root and its signature as one document, so that storage writes both at once. */
export const encodeKept = ({ root, signature }: SignedRoot): Uint8Array =>
  utf8(`${JSON.stringify({ root: textOf(root, 'root'), signature })}\n`);

/**
 * Parses the root and the signature of a kept snapshot, and verifies nothing. Throws `bad-input` naming `where`.
 */
export function parseKept(bytes: Uint8Array, where: string): SignedRoot {
  const { root, signature } = parseJson(v.object(signedSchema), bytes, where);
  return { root: utf8(root), signature };
}

/**
 * Parses what readers are served, a kept snapshot or what a channel has, of its history only the last moves, and verifies nothing.
 * Throws `bad-input` naming `where`.
 */
export function parsePointer(bytes: Uint8Array, where: string): PublishedRoot {
  const { root, history, ...rest } = parseJson(pointerSchema, bytes, where);
  return { ...rest, root: utf8(root), history: history?.map(({ snapshot }) => snapshot) };
}

/** Encodes the pointer of a channel. Throws `too-large` for one that no reader would take. */
export function encodeChannel({ root, signature, moved_at, history }: ChannelPointer): Uint8Array {
  const moves = history.map((move) => ({ ...move, snapshot: snapshotName(move.snapshot) }));
  const document = { root: textOf(root, 'root'), signature, moved_at, history: moves };
  const bytes = utf8(`${JSON.stringify(document)}\n`);
  if (bytes.length <= MAX_POINTER_SIZE) return bytes;
  throw new MirrorError('too-large', 'What this channel is to have is larger than readers accept.', {
    ...{ expected: `at most ${MAX_POINTER_SIZE} bytes`, found: `${bytes.length} bytes` },
  });
}

/** Parses the pointer of a channel, and verifies nothing. Throws `bad-input` naming `where`. */
export function parseChannel(bytes: Uint8Array, where: string): ChannelPointer {
  const { root, ...rest } = parseJson(channelSchema, bytes, where);
  return { ...rest, root: utf8(root) };
}
