import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { PACKAGE_LIST } from './layout.ts';
import { parseJson } from './parse.ts';
import { countSchema } from './schemas.ts';

const packageListSchema = v.object({
  version: v.string(),
  /** Bytes of bottles by platform tag; a bottle that serves several counts for each. */
  platforms: v.optional(v.record(v.string(), countSchema), {}),
  packages: v.array(
    v.object({
      kind: v.picklist(['formula', 'cask', 'linux-app']),
      name: v.string(),
      version: v.string(),
      desc: v.string(),
      /** Platform tags of bottles, architectures of casks. */
      tags: v.array(v.string()),
      /** Bytes of all its files. */
      size: countSchema,
    }),
  ),
});

/** index/packages.json: every mirrored package in brief, for pages and the API. */
export type PackageList = v.InferOutput<typeof packageListSchema>;
export type ListedPackage = PackageList['packages'][number];

/** Encodes the list, one package a line. */
export const encodePackageList = ({ version, platforms, packages }: PackageList): Uint8Array =>
  utf8(
    `{"version":${JSON.stringify(version)},"platforms":${JSON.stringify(platforms)},"packages":[\n${packages.map((item) => JSON.stringify(item)).join(',\n')}\n]}\n`,
  );

/** Parses the list. Throws `bad-input`. */
export const parsePackageList = (bytes: Uint8Array): PackageList =>
  parseJson(packageListSchema, bytes, PACKAGE_LIST);
