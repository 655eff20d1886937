import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { utf8 } from '../../format/bytes.ts';
import { MirrorError } from '../../format/errors.ts';
import { signFile } from '../../format/file-signature.ts';
import { type IndexKind, packageJsonPath, signaturePath } from '../../format/layout.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { storedFile } from '../directory/stored-file.ts';
import type { CarriedPackage } from '../plan/carried.ts';
import type { Staging } from '../snapshot/staging.ts';
import type { DescribedDatabase } from './index-databases.ts';

const zstd = promisify(zstdCompress);

/** Zstandard, level 19. Without the size that level clears 80 MB of tables first: 60 ms a document rather than 0.4. */
export const compress = (bytes: Uint8Array): Promise<Uint8Array> =>
  zstd(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 }, pledgedSrcSize: bytes.length });

/** What writing index files takes. */
export interface IndexContext {
  directory: string;
  staging: Staging;
  key: SecretKey;
  now: Date;
  /** Where package URLs point, without a trailing slash; `null` for the upstream's. */
  publicUrl: string | null;
  /** Told of each package that is described. */
  onPackage: () => void;
}

/** What a mirror says about its packages of one kind in the places that list them. */
export interface StagedPackages<Entry> {
  database: DescribedDatabase;
  /** For the manifest, by name. */
  packages: Record<string, Entry>;
  listed: ListedPackage[];
}

/** Stages the JSON of a package, compressed as stout-index does; returns its SHA-256, hex. */
export async function stagePackageJson(
  { staging, onPackage }: IndexContext,
  kind: IndexKind,
  name: string,
  value: object,
): Promise<string> {
  const { sha256 } = await staging.put(
    packageJsonPath(kind, name),
    await compress(utf8(JSON.stringify(value))),
  );
  onPackage();
  return sha256;
}

/** Rows and lists of the packages that stay, their files taken over as they stand. Throws `missing`. */
export async function stageCarried<Row, Entry>(
  { staging }: IndexContext,
  carried: readonly CarriedPackage<Row, Entry>[],
): Promise<void> {
  for (const { path, sha256 } of carried.flatMap(({ files }) => files)) {
    if (await staging.keep(path, sha256)) continue;
    throw new MirrorError('missing', `${path} was there and is not any more.`, {
      where: path,
      expected: sha256,
    });
  }
}

/** Manifest entries by name, sorted, of packages new and carried. */
export const entriesByName = <Entry>(
  entries: readonly (readonly [string, Entry | undefined])[],
): Record<string, Entry> =>
  Object.fromEntries(
    entries
      .flatMap(([name, entry]) => (entry === undefined ? [] : [[name, entry] as const]))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** Stages a database made by `write` with its signature. */
export async function stageSignedDatabase(
  context: IndexContext,
  path: string,
  write: (local: string) => void,
): Promise<Uint8Array> {
  const incoming = incomingDirectory(context.directory);
  const local = join(incoming, `${path.replaceAll('/', '-')}.new`);
  await mkdir(incoming, { recursive: true });
  write(local);
  const bytes = await readFile(local);
  await rm(local);
  await context.staging.put(path, bytes);
  await stageSignature(context, path, createHash('blake2b512').update(bytes).digest());
  return bytes;
}

/** Stages the signature of a file that is staged; `prehash` is BLAKE2b-512 of its bytes. Throws `missing`. */
export async function stageSignature(
  { staging, key, now }: IndexContext,
  path: string,
  prehash: Uint8Array,
): Promise<void> {
  const { sha256, size } = storedFile({ path, sha256: undefined }, staging.files);
  const timestamp = Math.floor(now.getTime() / 1000);
  const signature = signFile(key, prehash, { timestamp, file: path, sha256, size });
  await staging.put(signaturePath(path), utf8(signature));
}
