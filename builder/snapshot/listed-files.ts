import { MirrorError } from '../../format/errors.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { FileDigest } from '../directory/hash.ts';
import type { StageStorage } from './stage.ts';

/** The files that a snapshot lists, which are elsewhere: enough to plan with, and never written. */
export class ListedFiles implements StageStorage {
  readonly #byName: ReadonlyMap<string, SnapshotEntry>;

  constructor(entries: readonly SnapshotEntry[]) {
    this.#byName = new Map(entries.map((entry) => [entry.name, entry]));
  }

  async find(path: string, wanted: string): Promise<FileDigest | undefined> {
    const { sha256, size, md5 } = this.#byName.get(path) ?? {};
    return sha256 === wanted && size !== undefined && md5 !== undefined ? { sha256, size, md5 } : undefined;
  }

  save = (path: string): Promise<never> => Promise.reject(elsewhere(path));
  read = (path: string): Promise<never> => Promise.reject(elsewhere(path));
  prehash = (path: string): Promise<never> => Promise.reject(elsewhere(path));
}

const elsewhere = (path: string): MirrorError =>
  new MirrorError('refused', `${path} is not on this machine.`, { where: path });
