import type { DatabaseReader } from '../index/reader.ts';
import type { UpstreamLocation } from './location.ts';
import type { UpstreamCask, UpstreamFormula } from './package-json.ts';

/** Where packages come from: an index of names and versions, and the JSON of each package, all of it checked. */
export interface Upstream {
  /** What the addresses of files are relative to. */
  readonly location: UpstreamLocation;
  /** What the upstream calls its present state. */
  readonly version: string;
  /** A database in stout-index's schema. Throws `not-found` where the upstream has none of its kind. */
  formulas(): Promise<DatabaseReader>;
  casks(): Promise<DatabaseReader>;
  linuxApps(): Promise<DatabaseReader>;
  vulnerabilities(): Promise<DatabaseReader>;
  /** A package's JSON, which has the hash that the database names. Throws `mismatch` or `bad-input`. */
  formula(name: string, jsonHash: string | null): Promise<UpstreamFormula>;
  cask(token: string, jsonHash: string | null): Promise<UpstreamCask>;
  /** Removes local copies. */
  close(): Promise<void>;
}
