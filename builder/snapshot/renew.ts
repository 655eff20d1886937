import { createHash } from 'node:crypto';
import { utf8 } from '../../format/bytes.ts';
import { signFile } from '../../format/file-signature.ts';
import {
  encodeIndexManifest,
  type IndexManifest,
  parseIndexManifest,
  verifyIndex,
} from '../../format/index-manifest.ts';
import { indexVersion } from '../../format/index-version.ts';
import {
  compressedDatabasePath,
  databasePath,
  INDEX_MANIFEST,
  MANIFEST,
  SIGNED_PATHS,
  SUMMARY,
  signaturePath,
} from '../../format/layout.ts';
import {
  DEFAULT_VALIDITY,
  encodeManifest,
  type Manifest,
  type MirrorRequest,
  parseManifest,
} from '../../format/manifest.ts';
import { formula } from '../../format/packages/formula.ts';
import { encodeSummary, parseSummary } from '../../format/summary.ts';
import { compressDatabase } from '../database/compress.ts';
import { restamp } from '../database/restamp.ts';
import type { SnapshotSigning } from './sign.ts';
import type { FileContent, Stage } from './stage.ts';
import { stageStaticHost } from './static-host.ts';

/** The database in which stout keeps the version of the index. */
const FORMULAS = databasePath(formula.index);

type Signing = Pick<SnapshotSigning, 'key' | 'now'>;

/** Who signs again, and for how many seconds where that is to change. */
export interface Renewal extends Signing {
  validFor?: number | undefined;
}

/** What readers have now. */
export interface Present {
  /** The new version of the index must differ from it; `undefined` if it is not known. */
  indexVersion: string | undefined;
  /** Versions that must not come back. */
  withdrawn: readonly string[];
}

/**
 * Renews every signature below the snapshot's own, by which clients know the age of what they got: those of the databases,
 * stout's in the index manifest, the checksums of both in manifest.json, and the files for static hosts. The signed files stay as
 * they are, but for the version of the index where {@link keepsVersion} says so. Returns for how many seconds to sign the snapshot:
 * as asked, which the manifest keeps, or else as before.
 * `present` is what readers have now, if that is not what is staged.
 * Throws `missing`, and `mismatch` for a file that is not as it was signed.
 */
export async function renewSignatures(stage: Stage, asked: Renewal, present?: Present): Promise<number> {
  const before = parseIndexManifest(await stage.read(INDEX_MANIFEST));
  const manifest = parseManifest(await stage.read(MANIFEST));
  const { validFor, request } = withValidity(withAllWithdrawn(manifest.request, present), asked);
  const signing = { ...asked, validFor };
  const isKept = keepsVersion(before, signing);
  const summary = parseSummary(await stage.read(SUMMARY));
  for (const path of SIGNED_PATHS) {
    if (!stage.files.has(path) || (path === FORMULAS && !isKept)) continue;
    await stageSignature(stage, path, await stage.prehash(path), signing);
  }
  const index = isKept ? before : await renewVersion(stage, before, signing, present?.indexVersion);
  await stage.put(INDEX_MANIFEST, encodeIndexManifest(index, secondsOf(signing), signing.key));
  const index_version = index.version;
  await stageStaticHost(stage, signing, request.public_url, summary);
  await stage.put(MANIFEST, encodeManifest({ ...manifest, request, index_version, ...sumsOf(stage.files) }));
  return validFor;
}

/** Returns for how many seconds to sign: as asked, which the request remembers, or else as before. */
export function withValidity(
  before: MirrorRequest,
  { validFor: asked }: Pick<Renewal, 'validFor'>,
): { validFor: number; request: MirrorRequest } {
  const validFor = asked ?? before.valid_for;
  if (validFor === undefined) return { validFor: DEFAULT_VALIDITY, request: before };
  return { validFor, request: { ...before, valid_for: validFor } };
}

/** Returns a request that remembers all that was withdrawn, in its own state of the mirror and in the present one. */
function withAllWithdrawn(request: MirrorRequest, present: Present | undefined): MirrorRequest {
  const all = new Set([...(request.withdrawn ?? []), ...(present?.withdrawn ?? [])]);
  return all.size > 0 ? { ...request, withdrawn: [...all].sort() } : request;
}

/**
 * Returns true if an index with the same content keeps its version. stout looks at the signature only if the version differs
 * from its own. So the version changes with the key, and once it is older than half of the time for which signatures are valid.
 */
export function keepsVersion(index: IndexManifest, { key, now, validFor }: SnapshotSigning): boolean {
  const seconds = (now.getTime() - Date.parse(index.created_at)) / 1000;
  return verifyIndex(index, [key.publicKey]) && seconds <= validFor / 2;
}

/** Stages the index under a new version: in the database of formulas, where stout keeps it, and in the summary. */
async function renewVersion(
  stage: Stage,
  index: IndexManifest,
  signing: SnapshotSigning,
  present = index.version,
): Promise<IndexManifest> {
  const version = indexVersion(signing.now, present);
  const createdAt = signing.now.toISOString();
  const bytes = await restamp(await stage.read(FORMULAS), { version, createdAt });
  await stage.put(FORMULAS, bytes);
  await stageSignature(stage, FORMULAS, createHash('blake2b512').update(bytes).digest(), signing);
  const { sha256, size } = await stage.put(
    compressedDatabasePath(formula.index),
    await compressDatabase(bytes),
  );
  const summary = parseSummary(await stage.read(SUMMARY));
  await stage.put(SUMMARY, encodeSummary({ ...summary, version }));
  const formulas = { ...index.indexes.formulas, db_sha256: sha256, db_size: size, updated_at: createdAt };
  return { ...index, version, created_at: createdAt, indexes: { ...index.indexes, formulas } };
}

/** Stages the signature of a staged file; `prehash` is the BLAKE2b-512 of its bytes. Throws `missing`. */
export async function stageSignature(
  stage: Stage,
  path: string,
  prehash: Uint8Array,
  signing: Pick<SnapshotSigning, 'key' | 'now'>,
): Promise<void> {
  const { sha256, size } = stage.document(path);
  const signature = signFile(signing.key, prehash, {
    timestamp: secondsOf(signing),
    file: path,
    sha256,
    size,
  });
  await stage.put(signaturePath(path), utf8(signature));
}

/** Returns the digests of the index files, and the size of all files as far as it is known. */
export function sumsOf(files: ReadonlyMap<string, FileContent>): Pick<Manifest, 'checksums' | 'total_size'> {
  const index = [...files].filter(([path]) => path.startsWith('index/'));
  const sums = index.map(([path, { sha256 }]) => [path, sha256] as const);
  return {
    checksums: Object.fromEntries(sums.sort(([a], [b]) => (a < b ? -1 : 1))),
    total_size: [...files.values()].reduce((sum, { size = 0 }) => sum + size, 0),
  };
}

const secondsOf = ({ now }: Pick<SnapshotSigning, 'now'>): number => Math.floor(now.getTime() / 1000);
