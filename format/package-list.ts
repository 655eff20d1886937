import { textOf, utf8 } from './bytes.ts';
import { MirrorError } from './errors.ts';
import { PACKAGE_LIST } from './layout.ts';
import { type ListedPackage, parseLine, UNKNOWN } from './package-line.ts';
import { KINDS } from './packages/kinds.ts';

export type { ListedPackage } from './package-line.ts';

const IDS: ReadonlySet<string> = new Set(KINDS.map(({ id }) => id));

/**
 * Encodes index/packages.tsv, every mirrored package in brief: a line each, sorted by name and kind (docs/format.md section 6).
 * White space in a field becomes a space.
 */
export function encodePackageList(packages: readonly ListedPackage[]): Uint8Array {
  const sorted = [...packages].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return utf8(sorted.map((item) => `${lineOf(item)}\n`).join(''));
}

/** Parses index/packages.tsv. Throws `bad-input`. */
export function parsePackageList(bytes: Uint8Array): ListedPackage[] {
  const lines = textOf(bytes, PACKAGE_LIST).split('\n');
  if (lines.pop() !== '') throw badLine('The last line does not end with a line feed.', lines.length + 1);
  let before = '';
  return lines.map((line, at) => {
    const item = parsePackageLine(line);
    if (!item) throw badLine('A line does not have the six fields of a package.', at + 1);
    const key = keyOf(item);
    if (key <= before) throw badLine('Packages are not in order.', at + 1);
    before = key;
    return item;
  });
}

/** Parses one line of the list, without its line feed; `undefined` for any other text. */
export const parsePackageLine = (line: string): ListedPackage | undefined =>
  parseLine(line, (kind) => IDS.has(kind));

function lineOf({ kind, name, version, desc, tags, size }: ListedPackage): string {
  const fields = [name, desc, kind, version, String(size ?? UNKNOWN), tags.join(',')];
  return fields.map((field) => field.replace(/\s+/g, ' ')).join('\t');
}

/** A tab sorts before every character of a name. */
const keyOf = ({ name, kind }: Pick<ListedPackage, 'name' | 'kind'>): string => `${name}\t${kind}`;

const badLine = (message: string, line: number): MirrorError =>
  new MirrorError('bad-input', `${PACKAGE_LIST} is not a list of packages, at line ${line}: ${message}`, {
    where: PACKAGE_LIST,
  });
