import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { INDEX_MANIFEST } from './layout.ts';
import { sign } from './minisign/ed25519.ts';
import type { PublicKey } from './minisign/public-key.ts';
import type { SecretKey } from './minisign/secret-key.ts';
import { KINDS } from './packages/kinds.ts';
import { parseJson } from './parse.ts';
import { PORTABLE, type RuntimeCrypto } from './runtime-crypto.ts';
import { countSchema, secondsSchema, sha256Schema } from './schemas.ts';

const databaseSchema = v.object({
  count: countSchema,
  /** SHA-256 and bytes of the compressed database. */
  db_sha256: sha256Schema,
  db_size: countSchema,
  updated_at: v.optional(v.nullable(v.string())),
});

const optionalDatabase = v.optional(v.nullable(databaseSchema));
const optionalKinds = Object.fromEntries(KINDS.map(({ key }) => [key, optionalDatabase])) as Record<
  (typeof KINDS)[number]['key'],
  typeof optionalDatabase
>;

const indexManifestSchema = v.object({
  version: v.string(),
  created_at: v.string(),
  stout_min_version: v.optional(v.nullable(v.string())),
  indexes: v.object({
    ...optionalKinds,
    formulas: databaseSchema,
    vulnerabilities: optionalDatabase,
  }),
  index_version: v.optional(v.string()),
  signed_at: v.optional(v.nullable(secondsSchema)),
  signature: v.optional(v.nullable(v.string())),
});

/** stout's index manifest, whether written by a mirror or by the upstream. */
export type IndexManifest = v.InferOutput<typeof indexManifestSchema>;
export type IndexedDatabase = v.InferOutput<typeof databaseSchema>;

/** Returns the text that stout signs and verifies (`stout-index:v1`). */
export function indexSignatureText({ indexes, index_version = '', signed_at }: IndexManifest): string {
  const { formulas, casks } = indexes;
  const counts = `${formulas.count}:${casks?.count ?? 0}`;
  return `stout-index:v1:${formulas.db_sha256}:${signed_at}:${index_version}:${counts}`;
}

/** Returns true if the manifest states a signature. Upstream's may be unsigned. */
export const isSigned = ({ signature, signed_at }: IndexManifest): boolean =>
  typeof signed_at === 'number' && Boolean(signature);

/** Returns true if the manifest's signature is by a trusted key. */
export function verifyIndex(
  manifest: IndexManifest,
  trusted: readonly PublicKey[],
  crypto: RuntimeCrypto = PORTABLE,
): boolean {
  const { signature } = manifest;
  if (!isSigned(manifest) || !signature || !/^[0-9a-f]{128}$/i.test(signature)) return false;
  const text = utf8(indexSignatureText(manifest));
  return trusted.some((key) => crypto.verify(hexToBytes(signature), text, key.key));
}

/** Encodes and signs the index manifest of a mirror. `signedAt` is in Unix seconds. */
export function encodeIndexManifest(
  { version, created_at, indexes }: Pick<IndexManifest, 'version' | 'created_at' | 'indexes'>,
  signedAt: number,
  key: SecretKey,
): Uint8Array {
  const manifest: IndexManifest = {
    version,
    created_at,
    stout_min_version: '0.1.0',
    indexes,
    index_version: version,
    signed_at: signedAt,
  };
  const signature = bytesToHex(sign(utf8(indexSignatureText(manifest)), key.seed));
  return utf8(`${JSON.stringify({ ...manifest, signature }, null, 1)}\n`);
}

/** Parses an index manifest. Throws `bad-input` naming `where`. */
export const parseIndexManifest = (bytes: Uint8Array, where = INDEX_MANIFEST): IndexManifest =>
  parseJson(indexManifestSchema, bytes, where);
