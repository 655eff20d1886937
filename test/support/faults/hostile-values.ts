import { DatabaseSync } from 'node:sqlite';
import type { Random } from '../random.ts';

/** Values of every wrong kind, for any field of a JSON document. */
export const WRONG_VALUES: readonly unknown[] = [
  ...[null, true, 0, -1, 1.5, 1e300, '', 'x', [], {}, [[]], [null], { a: {} }],
  ...['../../../../../evil', 'nul\0byte', '\u202egpj.exe', 'x'.repeat(10_000)],
];

/** A place in a document: keys and indices from the top. */
export type FieldPath = readonly (string | number)[];

/** Every field of a JSON document, those of its parts included. */
export function fieldsOf(document: unknown): FieldPath[] {
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([key, value]) => [
    [key],
    ...fieldsOf(value).map((path) => [key, ...path]),
  ]);
}

/** A copy of a document with another value in one of its fields. */
export function withField(document: unknown, [key, ...rest]: FieldPath, value: unknown): unknown {
  if (key === undefined) return value;
  const copy = Array.isArray(document) ? [...document] : { ...(document as Record<string, unknown>) };
  const parts = copy as Record<string | number, unknown>;
  parts[key] = withField(parts[key], rest, value);
  return copy;
}

/** SQL expressions of values of every kind, for any column of a database. */
export const WRONG_COLUMNS: readonly string[] = [
  ...['NULL', '0', '-1', '1.5', '9e999', "''", "'x'", "x'00ff'", "'../../../../../evil'"],
  ...["'nul' || char(0) || 'byte'", "printf('%.*c', 10000, 'x')", '9223372036854775807'],
];

/** Tables and columns of a database, but for the tables of its full-text index. */
export function columnsOf(path: string): { table: string; column: string }[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const columns = database
    .prepare(
      `SELECT m.name AS "table", c.name AS "column" FROM sqlite_master AS m, pragma_table_info(m.name) AS c
       WHERE m.type = 'table' AND m.name NOT LIKE '%_fts%' AND m.name NOT LIKE 'sqlite_%'`,
    )
    .all() as { table: string; column: string }[];
  database.close();
  return columns;
}

const PIECES: readonly [string, ...string[]] = [
  ...(['/', '\\', '..', '.', '\0', '\n', '\r', '\t', '\x1b[2J', '\x07', '\x7f', '\u0085'] as const),
  ...[
    '\u202e',
    '\u200f',
    '\u2066',
    '\ufeff',
    '\u00e9',
    'e\u0301',
    '\ud800',
    '😀',
    ' ',
    '%2e%2e%2f',
    '%00',
    ':',
  ],
  ...[
    'con',
    'NUL',
    'com1',
    'LPT9.txt',
    'aux.tar',
    'jq',
    '-rf',
    '~',
    '$(id)',
    '`id`',
    '|',
    '*',
    '?',
    '"',
    '<',
    '#',
  ],
];

/** A name or version that nobody should have: attacks on file systems, terminals, shells and URLs, put together. */
export function hostileName(random: Random): string {
  if (random.chance(3)) return 'x'.repeat(10_000);
  return Array.from({ length: 1 + random.below(4) }, () => random.pick(PIECES)).join('');
}
