import type { KindId } from './packages/kinds.ts';

// One line of index/packages.tsv. The script of a page reads it too, so it imports nothing but a type.

/** Every package in brief. */
export const PACKAGE_LIST = 'index/packages.tsv';

/** A package in brief. */
export interface ListedPackage {
  kind: KindId;
  name: string;
  version: string;
  desc: string;
  /** Platform tags of bottles, architectures of casks. */
  tags: string[];
  /** Bytes of all its files; absent if that of one of them is unknown. */
  size?: number | undefined;
}

const FIELDS = 6;
/** In place of a size. */
export const UNKNOWN = '-';

/** Parses one line, without its line feed; `undefined` for any other text. `isKind` knows the ids of kinds. */
export function parseLine(line: string, isKind: (id: string) => boolean): ListedPackage | undefined {
  const fields = line.split('\t');
  const [name = '', desc = '', kind = '', version = '', size = '', tags = ''] = fields;
  const isSize =
    size === UNKNOWN || (/^(?:0|[1-9]\d{0,15})$/.test(size) && Number.isSafeInteger(Number(size)));
  if (fields.length !== FIELDS || name === '' || !isKind(kind) || !isSize) return undefined;
  return {
    ...{ kind: kind as KindId, name, version, desc, tags: tags === '' ? [] : tags.split(',') },
    ...(size === UNKNOWN ? {} : { size: Number(size) }),
  };
}
