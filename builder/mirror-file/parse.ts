import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { didYouMean, nearest } from '../../format/near-names.ts';
import type { Place } from '../request/text.ts';
import { parseToml, type Toml, type TomlPath } from '../request/toml.ts';
import { type MirrorSettings, mirrorFileSchema } from './schema.ts';

const MOST_PROBLEMS = 20;

/** A mirror.toml as it was read, and the line of each member of its lists. */
export interface ParsedFile {
  settings: MirrorSettings;
  lineOf(path: TomlPath): number;
}

/**
 * Parses the text of a mirror.toml. `where` names the file in errors. Throws `bad-input` with every problem, each with line
 * and column; for a key or a word that is not known, with near ones.
 */
export function parseMirrorFile(text: string, where: string): ParsedFile {
  const toml = parseToml(text, where);
  const lists = listsForTables(mirrorFileSchema, toml.value);
  if (lists.length > 0) {
    throw problemsError(
      lists.map(
        (path) => `${placeText(toml.valueAt(path), where)} ${nameOf(path)} must be a table, not a list.`,
      ),
      where,
    );
  }
  const read = v.safeParse(mirrorFileSchema, toml.value);
  if (read.success) return { settings: read.output, lineOf: (path) => toml.valueAt(path).line };
  throw problemsError(
    read.issues.map((issue) => problemText(issue, toml, where)),
    where,
  );
}

function problemsError(all: readonly string[], where: string): MirrorError {
  const problems = all.slice(0, MOST_PROBLEMS);
  const more = all.length - problems.length;
  return new MirrorError(
    'bad-input',
    [...problems, ...(more > 0 ? [`… and ${more} more.`] : [])].join('\n  '),
    {
      where,
    },
  );
}

/** Returns where lists are in the place of tables: valibot takes a list for a table with the keys 0, 1 and so on. */
function listsForTables({ entries, item, wrapped }: Shape, value: unknown, path: TomlPath = []): TomlPath[] {
  if (wrapped) return listsForTables(wrapped, value, path);
  if (Array.isArray(value)) {
    if (entries) return [path];
    return item ? value.flatMap((member, index) => listsForTables(item, member, [...path, index])) : [];
  }
  if (!entries || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const shape = Object.hasOwn(entries, name) ? entries[name] : undefined;
    return shape ? listsForTables(shape, member, [...path, name]) : [];
  });
}

const placeText = ({ line, column }: Place, where: string): string => `${where}:${line}:${column}:`;

type Issue = v.InferIssue<typeof mirrorFileSchema>;

const isUnknownKey = ({ type, expected }: Issue): boolean => type === 'strict_object' && expected === 'never';

function problemText(issue: Issue, toml: Toml, where: string): string {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  const place = isUnknownKey(issue) ? toml.keyAt(path) : toml.valueAt(path);
  return `${placeText(place, where)} ${sentence(issue, path)}`;
}

function sentence(issue: Issue, path: TomlPath): string {
  const name = nameOf(path);
  if (isUnknownKey(issue)) {
    const near = nearest(String(path.at(-1)), keysAt(path.slice(0, -1)));
    return `There is no key ${name}.${didYouMean(near)}`;
  }
  if (issue.type === 'strict_object' && issue.received === 'undefined') return `The key ${name} is missing.`;
  if (issue.type === 'picklist') return wordSentence(name, issue);
  if (issue.kind === 'schema')
    return `${name} must be ${TYPES[issue.type] ?? issue.type}, not ${foundText(issue.input)}.`;
  return `${name}: ${issue.message}`;
}

/** The words are in `expected`, in quotes. */
function wordSentence(name: string, { expected, input, received }: Issue): string {
  const words = [...(expected ?? '').matchAll(/"([^"]+)"/g)].map(([, word = '']) => word);
  const near = typeof input === 'string' ? nearest(input, words) : [];
  return `${name} must be ${words.join(', ').replace(/, ([^,]*)$/, ' or $1')}, not ${received}.${didYouMean(near)}`;
}

const TYPES: Partial<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
  strict_object: 'a table',
  string: 'text in quotes',
};

function foundText(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a table' : JSON.stringify(value);
}

/** Names a key as TOML writes it, with the numbers of list members from 1. */
const nameOf = (path: TomlPath): string =>
  path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part + 1}]`;
    const written = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
    return name === '' ? written : `${name}.${written}`;
  }, '');

/** Returns the keys of the table at a path. */
function keysAt(path: TomlPath): string[] {
  let table: Shape = mirrorFileSchema;
  for (const part of path) {
    const next = typeof part === 'number' ? table.item : table.entries?.[part];
    table = next?.wrapped ?? next ?? table;
  }
  return Object.keys(table.entries ?? {});
}

/** The parts of valibot's schemas that lead to the keys of tables. */
interface Shape {
  type: string;
  wrapped?: Shape;
  entries?: Readonly<Record<string, Shape>>;
  item?: Shape;
}
