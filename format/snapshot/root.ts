import * as v from 'valibot';
import { utf8 } from '../bytes.ts';
import { sha256Hex } from '../digest.ts';
import { MirrorError } from '../errors.ts';
import { type SignedFile, signFile, verifyFileSignature } from '../file-signature.ts';
import { isSha256 } from '../is-sha256.ts';
import { ROOT, signaturePath } from '../layout.ts';
import { blake2b512 } from '../minisign/blake2.ts';
import type { PublicKey } from '../minisign/public-key.ts';
import type { SecretKey } from '../minisign/secret-key.ts';
import { parseJson, parseValue } from '../parse.ts';
import { PORTABLE, type RuntimeCrypto } from '../runtime-crypto.ts';
import { countSchema, instantSchema, sha256Schema } from '../schemas.ts';
import { hostSchema } from './source.ts';

/** The version of the mirror format that this code writes and reads. */
export const FORMAT = 2;
/** The version that has no successor. */
export const LAST_VERSION = Number.MAX_SAFE_INTEGER;

const MAX_LEAF = 8 * 1024 * 1024;
const MIRROR = /^[0-9A-F]{16}-[1-9]\d{0,15}$/;

const MAX_TEXT = 1000;
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));

export const generatorSchema = v.object({ name: text, version: text, format: countSchema });

const leafReferenceSchema = v.object({
  /** Name of the first entry. The leaf ends before the first entry of the next one. */
  first: text,
  sha256: sha256Schema,
  /** Bytes of the leaf itself. */
  size: v.pipe(countSchema, v.maxValue(MAX_LEAF)),
  /** Number of files that the leaf lists, and their bytes. */
  files: countSchema,
  bytes: countSchema,
});

const isAscending = (texts: readonly string[]): boolean =>
  texts.every((text, index) => index === 0 || (texts[index - 1] ?? '') < text);

/** The only version of the format that is read. */
export const formatSchema = v.literal(FORMAT, ({ input }) =>
  typeof input === 'number' && input > FORMAT
    ? 'The mirror has a newer format: a newer stout-mirror is needed.'
    : 'The mirror has an older format: make it again with create.',
);

/** The id of a mirror: the key id and the version of its first snapshot, joined by a dash. */
export const mirrorIdSchema = v.pipe(
  v.string(),
  v.regex(MIRROR, 'Not the id of a mirror: 16 hex digits in upper case, a dash, and a version.'),
  v.check((id) => Number.isSafeInteger(Number(id.slice(17))), 'The version in this id is too great.'),
);

const leavesSchema = v.pipe(v.array(leafReferenceSchema), v.minLength(1));

const headSchema = v.object({
  format: formatSchema,
  /** Carried on from snapshot to snapshot, whoever signs. */
  mirror: mirrorIdSchema,
  /** Grows with every snapshot. */
  version: v.pipe(countSchema, v.minValue(1)),
  created_at: instantSchema,
  expires_at: instantSchema,
  generator: generatorSchema,
  /** The hosts that files on demand may be fetched from, sorted. */
  sources: v.optional(
    v.pipe(
      v.array(hostSchema),
      v.minLength(1),
      v.check((hosts) => isAscending(hosts), 'Not in ascending order.'),
    ),
  ),
  totals: v.object({ files: countSchema, bytes: countSchema }),
  leaves: v.unknown(),
});

export type Generator = Readonly<v.InferOutput<typeof generatorSchema>>;
export type LeafReference = Readonly<v.InferOutput<typeof leafReferenceSchema>>;
/** The signed head of a snapshot. */
export type Root = Readonly<
  Omit<v.InferOutput<typeof headSchema>, 'leaves'> & { leaves: v.InferOutput<typeof leavesSchema> }
>;

/** The exact bytes of a root and its minisign signature, as found in `snapshot/`. */
export interface SignedRoot {
  root: Uint8Array;
  signature: string;
}

/** A root whose signature holds. It may have expired: see {@link isExpired}. */
export interface TrustedRoot extends SignedRoot {
  snapshot: Root;
  sha256: string;
  signer: PublicKey;
}

/** Encodes and signs a root. */
export function signRoot(snapshot: Root, key: SecretKey): SignedRoot {
  const root = utf8(`${JSON.stringify(snapshot, null, 1)}\n`);
  const signature = signFile(key, blake2b512(root), {
    timestamp: Math.floor(Date.parse(snapshot.created_at) / 1000),
    file: ROOT,
    sha256: sha256Hex(root),
    size: root.length,
  });
  return { root, signature };
}

/** Verifies a root's signature, then parses the root. Throws `bad-signature` or `bad-input` naming either file. */
export function openRoot(
  signed: SignedRoot,
  trusted: readonly PublicKey[],
  crypto: RuntimeCrypto = PORTABLE,
): TrustedRoot {
  const { blake2b512 } = crypto;
  const over =
    blake2b512 &&
    ((claimed: SignedFile): Uint8Array => {
      // Cheap comparisons first: a forged root must not cost the hashing of megabytes.
      expectClaimed(signed, claimed, crypto);
      return blake2b512(signed.root);
    });
  const { signer, ...claimed } = verifyFileSignature(signed.signature, ROOT, trusted, over, crypto);
  if (!over) expectClaimed(signed, claimed, crypto);
  return { ...signed, snapshot: parseRoot(signed.root), sha256: claimed.sha256, signer };
}

/** Throws `bad-signature` unless these bytes are the ones that a trusted comment states. */
function expectClaimed({ root }: SignedRoot, { size, sha256 }: SignedFile, crypto: RuntimeCrypto): void {
  const found = root.length === size ? crypto.sha256Hex(root) : undefined;
  if (found === sha256) return;
  throw new MirrorError('bad-signature', `${signaturePath(ROOT)} was made for another root.`, {
    where: signaturePath(ROOT),
    expected: `${size} bytes, ${sha256}`,
    found: `${root.length} bytes${found === undefined ? '' : `, ${found}`}`,
  });
}

/** Parses a root without verifying its signature. Throws `bad-input`. */
export function parseRoot(bytes: Uint8Array): Root {
  const { leaves: listed, ...head } = parseJson(headSchema, bytes, ROOT);
  const leaves = areLeaves(listed) ? listed : parseValue(leavesSchema, listed, ROOT);
  const snapshot = { ...head, leaves };
  const { totals } = snapshot;
  const sorted = isAscending(leaves.map(({ first }) => first));
  const files = leaves.reduce((sum, leaf) => sum + leaf.files, 0);
  const size = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
  if (sorted && files === totals.files && size === totals.bytes) return snapshot;
  const message = `${ROOT} contradicts itself: leaves out of order or wrong totals.`;
  throw new MirrorError('bad-input', message, { where: ROOT });
}

/**
 * Returns true if the schema of leaves accepts a value. A cold Worker needs milliseconds for a hundred leaves by the schema, which is
 * used to say what is wrong.
 */
const areLeaves = (value: unknown): value is LeafReference[] =>
  Array.isArray(value) && value.length > 0 && value.every(isLeafReference);

function isLeafReference(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { first, sha256, size, files, bytes } = value as Record<string, unknown>;
  const isText = typeof first === 'string' && first.length <= MAX_TEXT;
  const isDigest = typeof sha256 === 'string' && isSha256(sha256);
  return isText && isDigest && isCount(size) && size <= MAX_LEAF && isCount(files) && isCount(bytes);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Returns true once `now` has reached the snapshot's `expires_at`. */
export const isExpired = (snapshot: Root, now: Date): boolean =>
  now.getTime() >= Date.parse(snapshot.expires_at);
