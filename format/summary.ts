import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { SUMMARY } from './layout.ts';
import { bytesByTag, homebrewTime, type Manifest } from './manifest.ts';
import type { ListedPackage } from './package-list.ts';
import { formula } from './packages/formula.ts';
import { KINDS, type Kind } from './packages/kinds.ts';
import { parseJson } from './parse.ts';
import { countSchema, recordSchema, secondsSchema } from './schemas.ts';

const summarySchema = v.object({
  /** Of the index. */
  version: v.string(),
  /** By the id of the kind. */
  kinds: recordSchema(
    v.object({
      count: countSchema,
      /** Bytes of the packages whose size is known. */
      bytes: countSchema,
      /** Packages of unknown size, because that of a file is; absent if there is none. */
      unknown: v.optional(countSchema),
    }),
  ),
  /** Formulas with a bottle for a platform, and the bytes of those bottles if all are known. A bottle for several counts for each. */
  platforms: recordSchema(v.object({ count: countSchema, bytes: v.optional(countSchema) })),
  /** When Homebrew made the oldest of the API files that are here for brew, Unix seconds; absent without brew. */
  homebrew_api: v.optional(secondsSchema),
});

/** index/summary.json: how much there is of what, for pages. */
export type Summary = v.InferOutput<typeof summarySchema>;

/** Sums up the packages of a mirror. */
export function summaryOf(
  packages: readonly ListedPackage[],
  {
    version,
    ...manifest
  }: Pick<Manifest, 'platforms' | 'formulas' | 'request' | 'homebrew'> & { version: string },
): Summary {
  const api = manifest.request.clients.includes('brew') ? homebrewTime(manifest) : undefined;
  const bytes = bytesByTag(manifest);
  const entries = Object.values(manifest.formulas.packages);
  const platforms = manifest.platforms.map((tag) => {
    const count = entries.filter((entry) => Object.hasOwn((formula as Kind).entryFiles(entry), tag)).length;
    return [tag, { count, ...(bytes[tag] === undefined ? {} : { bytes: bytes[tag] }) }] as const;
  });
  return {
    ...{ version, kinds: totalsOf(packages) },
    platforms: Object.fromEntries(platforms),
    ...(api === undefined ? {} : { homebrew_api: api }),
  };
}

/** Sums up packages by kind. */
export const totalsOf = (packages: readonly ListedPackage[]): Summary['kinds'] =>
  Object.fromEntries(KINDS.map((kind) => [kind.id, totalOf(packages, kind)]));

function totalOf(packages: readonly ListedPackage[], { id }: Kind): Summary['kinds'][string] {
  const own = packages.filter(({ kind }) => kind === id);
  const unknown = own.filter(({ size }) => size === undefined).length;
  const bytes = own.reduce((sum, { size = 0 }) => sum + size, 0);
  return { count: own.length, bytes, ...(unknown > 0 ? { unknown } : {}) };
}

/** Encodes index/summary.json. */
export const encodeSummary = (summary: Summary): Uint8Array => utf8(`${JSON.stringify(summary, null, 1)}\n`);

/** Parses index/summary.json. Throws `bad-input`. */
export const parseSummary = (bytes: Uint8Array): Summary => parseJson(summarySchema, bytes, SUMMARY);
