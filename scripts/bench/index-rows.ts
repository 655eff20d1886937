import type { Rows, StoredFile } from '../../format/packages/kind.ts';
import type { Kind } from '../../format/packages/kinds.ts';
import { parseValue } from '../../format/parse.ts';

/** An upstream's database lists platforms, and no files. */
const NO_FILE: StoredFile = { path: '', sha256: '', size: 0 };

/** What an upstream's index says besides the description of a package. */
export interface IndexFacts {
  jsonHash: string | null;
  /** Unix seconds. */
  updatedAt: number | null;
  /** Platforms of bottles. */
  platforms?: readonly string[];
}

/** Returns the rows of a package in an upstream's database, by its description. */
export function indexRows(
  kind: Kind,
  json: object,
  { jsonHash, updatedAt, platforms = [] }: IndexFacts,
): { name: string; rows: Rows } {
  const parsed = parseValue(kind.schema, json, kind.id);
  const files = new Map(platforms.map((platform) => [platform, NO_FILE]));
  const rows = kind.rows({ json: parsed, jsonHash, upstreamHash: null, updatedAt, files });
  return { name: kind.summary(parsed).name, rows };
}
