import * as v from 'valibot';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { isoSeconds } from '../../format/iso-seconds.ts';
import { PINS, parseSnapshotName, pinKey, type SnapshotId, snapshotName } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import { secondsSchema } from '../../format/schemas.ts';
import type { Bucket } from './bucket.ts';

/** Maximum size of a pin in bytes. */
export const MAX_PIN = 4096;

const pinSchema = v.object({ until: v.optional(secondsSchema) });

/** Says that a snapshot must be kept. */
export interface Pin {
  snapshot: SnapshotId;
  /** Until when, Unix seconds; for as long as the pin is there if absent. */
  until?: number | undefined;
}

/** Encodes a pin. */
export const encodePin = ({ until }: Pin): Uint8Array => utf8(`${JSON.stringify({ until })}\n`);

/** Parses the pin of a snapshot. Throws `bad-input` naming `where`. */
export const parsePin = (bytes: Uint8Array, snapshot: SnapshotId, where: string): Pin => ({
  snapshot,
  ...parseJson(pinSchema, bytes, where),
});

/** Returns true while a pin keeps its snapshot. */
export const isPinned = ({ until }: Pin, now: Date): boolean =>
  until === undefined || now.getTime() <= until * 1000;

/** Throws `usage` for the end of a pin that has passed. */
export function expectFuture(until: number | undefined, now: Date): void {
  if (until === undefined || until * 1000 >= now.getTime()) return;
  throw new MirrorError('usage', `${isoSeconds(until)} has passed: to end a pin, use --remove.`);
}

/** Writes a pin in place of an earlier one. */
export async function putPin(bucket: Bucket, pin: Pin): Promise<void> {
  const document = encodePin(pin);
  await bucket.put(pinKey(pin.snapshot), document, sha256Hex(document));
}

/** Reads all pins of a bucket, whether they still hold or not. Throws `bad-input` for a damaged one. */
export async function readPins(bucket: Bucket): Promise<Pin[]> {
  const pins: Pin[] = [];
  for await (const { key } of bucket.list(PINS)) {
    const snapshot = parseSnapshotName(key.slice(PINS.length));
    const pin = snapshot && (await readPin(bucket, snapshot));
    if (pin) pins.push(pin);
  }
  return pins;
}

/** Reads the pin of a snapshot; `undefined` if there is none. Throws `bad-input` for a damaged one. */
export async function readPin(bucket: Bucket, snapshot: SnapshotId): Promise<Pin | undefined> {
  const where = pinKey(snapshot);
  const name = snapshotName(snapshot);
  try {
    const stored = await bucket.get(where, MAX_PIN);
    return stored && parsePin(stored.bytes, snapshot, where);
  } catch (cause) {
    if (!(cause instanceof MirrorError) || !['bad-input', 'too-large'].includes(cause.code)) throw cause;
    const message = `The pin of snapshot ${name} is damaged: ${messageOf(cause)} Use pin ${name}, with --until or --remove.`;
    throw new MirrorError('bad-input', message, { where, cause });
  }
}
