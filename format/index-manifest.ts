import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { INDEX_MANIFEST } from './layout.ts';
import { sign, verify } from './minisign/ed25519.ts';
import type { PublicKey } from './minisign/public-key.ts';
import type { SecretKey } from './minisign/secret-key.ts';
import { KINDS } from './packages/kinds.ts';
import { parseJson } from './parse.ts';
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

/** Facts that stout's index signature covers. */
export interface IndexFacts {
  /** SHA-256 of the compressed formulas database, hex. */
  formulasSha256: string;
  /** Unix seconds. */
  signedAt: number;
  indexVersion: string;
  formulaCount: number;
  caskCount: number;
}

/** Returns the text that stout signs and verifies (`stout-index:v1`). */
export const indexSignatureText = (facts: IndexFacts): string =>
  `stout-index:v1:${facts.formulasSha256}:${facts.signedAt}:${facts.indexVersion}:${facts.formulaCount}:${facts.caskCount}`;

/** Signs the facts as stout does. Returns 128 hex digits. */
export const signIndex = (facts: IndexFacts, key: SecretKey): string =>
  bytesToHex(sign(utf8(indexSignatureText(facts)), key.seed));

/** Returns true if `signature` (hex) over the facts is by a trusted key. */
export function verifyIndex(facts: IndexFacts, signature: string, trusted: readonly PublicKey[]): boolean {
  if (!/^[0-9a-f]{128}$/i.test(signature)) return false;
  const bytes = hexToBytes(signature);
  return trusted.some((key) => verify(bytes, utf8(indexSignatureText(facts)), key.key));
}

/** Returns the facts that a signed index manifest states, or `undefined` if it is not signed. */
export function indexFactsOf(manifest: IndexManifest): IndexFacts | undefined {
  const { signed_at: signedAt, signature } = manifest;
  return typeof signedAt === 'number' && signature ? factsOf(manifest, signedAt) : undefined;
}

const factsOf = (
  { indexes, index_version: indexVersion = '' }: IndexManifest,
  signedAt: number,
): IndexFacts => ({
  formulasSha256: indexes.formulas.db_sha256,
  signedAt,
  indexVersion,
  formulaCount: indexes.formulas.count,
  caskCount: indexes.casks?.count ?? 0,
});

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
  const signature = signIndex(factsOf(manifest, signedAt), key);
  return utf8(`${JSON.stringify({ ...manifest, signature }, null, 1)}\n`);
}

/** Parses an index manifest. Throws `bad-input` naming `where`. */
export const parseIndexManifest = (bytes: Uint8Array, where = INDEX_MANIFEST): IndexManifest =>
  parseJson(indexManifestSchema, bytes, where);
