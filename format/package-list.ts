import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { PACKAGE_LIST } from './layout.ts';
import { KINDS } from './packages/kinds.ts';
import { parseJson } from './parse.ts';
import { countSchema, recordSchema, secondsSchema } from './schemas.ts';

const packageListSchema = v.object({
  version: v.string(),
  /** Bytes of bottles by platform tag, where all are known; a bottle that serves several counts for each. */
  platforms: v.optional(recordSchema(countSchema), {}),
  /** When Homebrew made the oldest of the API files that are here for brew, Unix seconds; absent without brew. */
  homebrew_api: v.optional(secondsSchema),
  packages: v.array(
    v.object({
      kind: v.picklist(KINDS.map(({ id }) => id)),
      name: v.string(),
      version: v.string(),
      desc: v.string(),
      /** Platform tags of bottles, architectures of casks. */
      tags: v.array(v.string()),
      /** Bytes of all its files; absent if that of one of them is unknown. */
      size: v.optional(countSchema),
    }),
  ),
});

/** index/packages.json: every mirrored package in brief, for pages and the API. */
export type PackageList = v.InferOutput<typeof packageListSchema>;
export type ListedPackage = PackageList['packages'][number];

/** Encodes the list, one package a line. */
export function encodePackageList({ packages, ...head }: PackageList): Uint8Array {
  const lines = packages.map((item) => JSON.stringify(item)).join(',\n');
  return utf8(`${JSON.stringify(head).slice(0, -1)},"packages":[\n${lines}\n]}\n`);
}

/** Parses the list. Throws `bad-input`. */
export const parsePackageList = (bytes: Uint8Array): PackageList =>
  parseJson(packageListSchema, bytes, PACKAGE_LIST);
