import * as v from 'valibot';
import { textOf, utf8 } from './bytes.ts';
import { KINDS, type KindId } from './packages/kinds.ts';
import { parseJson } from './parse.ts';
import { decisionSchema } from './policy.ts';
import { countSchema, recordSchema, sha256Schema } from './schemas.ts';

const text = v.string();
const kind = v.picklist(KINDS.map(({ id }) => id) as KindId[]);
const packageSchema = v.object({ kind, name: text });

const recordOfPackage = v.object({
  kind,
  name: text,
  /** Absent for a package that the mirror does not have, because a rule keeps it out. */
  version: v.optional(text),
  /** The names that people know a cask or an app by; aliases of a formula. */
  other_names: v.optional(v.array(text), []),
  desc: v.optional(text),
  homepage: v.optional(text),
  /** An SPDX expression, as the upstream declares it. */
  license: v.optional(text),
  /** `owner/name`. */
  tap: v.optional(text),
  deprecated: v.optional(v.literal(true)),
  disabled: v.optional(v.literal(true)),
  /** Each file once, with the platforms or architectures that it serves; none for a file that serves all. */
  files: v.array(
    v.object({
      path: text,
      sha256: sha256Schema,
      size: v.optional(countSchema),
      /** That of the file, if it is another than the package's. */
      version: v.optional(text),
      tags: v.array(text),
    }),
  ),
  /** True when the upstream declared no checksum. */
  unchecked: v.optional(v.literal(true)),
  /** What it depends on, and why: `runtime`, `build` and so on. `here` is true for what this mirror has. */
  dependencies: v.array(v.object({ kind, name: text, type: text, here: v.optional(v.literal(true)) })),
  /** The packages of this mirror that depend on it at run time, sorted by kind and name. */
  needed_by: v.array(packageSchema),
  /** Those that were asked for and need it to be built or tested; they bring it along unless the request says otherwise. */
  needed_to_build: v.optional(v.array(packageSchema)),
  /**
   * Where it was asked for, such as `mirror.toml:4`, absent for the command line; and under which name if that is another. Absent
   * for what came along.
   */
  asked_for: v.optional(v.object({ place: v.optional(text), as: v.optional(text) })),
  /**
   * Known vulnerabilities of this version; absent where the mirror does not have the advisories about it. `unclear` where an advisory
   * does not say whether it is affected.
   */
  vulnerabilities: v.optional(
    v.array(
      v.object({
        id: text,
        severity: v.optional(text),
        summary: v.optional(text),
        unclear: v.optional(v.literal(true)),
        /** The first version without it. */
        fixed: v.optional(text),
      }),
    ),
  ),
  /** What the policy decided about it. */
  decisions: v.optional(v.array(decisionSchema), []),
});

const recordsSchema = recordSchema(v.array(recordOfPackage));

/** What a page says about one package. */
export type PackageRecord = v.InferOutput<typeof recordOfPackage>;
/** index/packages/<xx>.json: the records of some packages, by name; several kinds may share a name. */
export type PackageRecords = v.InferOutput<typeof recordsSchema>;

const FOLDER = 'index/packages/';

/** Returns the path of the file that has the records of a name, by the SHA-256 of the name, hex. */
export const recordsPath = (sha256: string): string => `${FOLDER}${sha256.slice(0, 2)}.json`;

/** True for a file of records. */
export const isRecords = (path: string): boolean => path.startsWith(FOLDER);

/** Encodes a file of records, a name a line. */
export function encodeRecords(records: Readonly<Record<string, readonly PackageRecord[]>>): Uint8Array {
  const lines = Object.keys(records)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(records[name])}`);
  return utf8(`{\n${lines.join(',\n')}\n}\n`);
}

/** Parses a file of records. Throws `bad-input` naming its path. */
export const parseRecords = (bytes: Uint8Array, path: string): PackageRecords =>
  parseJson(recordsSchema, bytes, path);

/**
 * Returns the records of one name in a file of records, and parses nothing else of it: the file may have sixty packages, each
 * with all that needs it. `[]` for a name that it does not have. Throws `bad-input` naming its path.
 */
export function findRecords(bytes: Uint8Array, path: string, name: string): PackageRecord[] {
  const text = textOf(bytes, path);
  const start = `\n${JSON.stringify(name)}:`;
  const at = text.indexOf(start);
  if (at < 0) return [];
  const end = text.indexOf('\n', at + 1);
  const line = text.slice(at + start.length, end < 0 ? undefined : end).replace(/,$/, '');
  return parseJson(v.array(recordOfPackage), utf8(line), path);
}
