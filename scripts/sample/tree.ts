import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256, zstd } from './bytes.ts';

/** The directory that a sample upstream is written to, and how much went into it. */
export interface Tree {
  readonly files: number;
  readonly bytes: number;
  /** Writes a file, and the folders above it. */
  write(path: string, data: string | Uint8Array): Promise<void>;
  /** Writes an object as the indented JSON that stout-index's manifests are. */
  writeManifest(path: string, manifest: object): Promise<void>;
  /** Writes `<folder>/data/<c>/<name>.json.zst` and gives the SHA-256 of its bytes, the index's `json_hash`. */
  writePackage(folder: string, name: string, json: object): Promise<string>;
  /** Has `make` write a database and stores it as `<folder>/index.db.zst`; gives what the manifests say of it. */
  writeIndex(folder: string, make: (path: string) => void): Promise<{ sha256: string; size: number }>;
}

/** Opens `dir`, which need not exist, for a sample upstream. Files already there are overwritten or left alone. */
export function openTree(dir: string): Tree {
  let files = 0;
  let bytes = 0;

  const write: Tree['write'] = async (path, data) => {
    const file = join(dir, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, data);
    files += 1;
    bytes += Buffer.byteLength(data);
  };

  return {
    get files() {
      return files;
    },
    get bytes() {
      return bytes;
    },
    write,
    writeManifest: (path, manifest) => write(path, JSON.stringify(manifest, null, 2)),
    async writePackage(folder, name, json) {
      const data = zstd(Buffer.from(JSON.stringify(json)));
      await write(`${folder}/data/${name.charAt(0).toLowerCase()}/${name}.json.zst`, data);
      return sha256(data);
    },
    async writeIndex(folder, make) {
      const database = join(dir, folder, 'index.db');
      await mkdir(dirname(database), { recursive: true });
      make(database);
      const data = zstd(await readFile(database));
      await rm(database);
      await write(`${folder}/index.db.zst`, data);
      return { sha256: sha256(data), size: data.byteLength };
    },
  };
}
