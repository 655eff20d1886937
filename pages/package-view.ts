import type { PackageRecord } from '../format/package-record.ts';

/** A file of a package, as the signed list has it. */
export interface ShownFile {
  path: string;
  /** Its address here, without credentials. */
  url: string;
  sha256: string;
  /** Bytes; unknown of some files on demand. */
  size?: number;
  /** That of the file, if it is another than the package's. */
  version?: string;
  /** The platforms or architectures that it serves; none for a file that serves all. */
  tags: string[];
  /** When this path first had this content, RFC 3339. */
  signed_since: string;
  /** True if the server fetches it when somebody first asks. */
  on_demand?: true;
}

/** A package as its page and the API show it. */
export type ShownPackage = Omit<PackageRecord, 'files'> & { files: ShownFile[] };
