import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import { MirrorError } from '../../format/errors.ts';
import type { Place } from './text.ts';

/** Far deeper than any file that is read here. */
const MAX_DEPTH = 32;

/** Names of keys and numbers of list members, from the outermost. */
export type TomlPath = readonly (string | number)[];

/** A TOML document, and where its parts are written. */
export interface Toml {
  /** Tables have no prototype. Dates and times are text, as they are written. */
  value: Record<string, unknown>;
  /** Returns where a key is written, or a member of a list; else the table around it. */
  keyAt(path: TomlPath): Place;
  /** Returns where the value of a key is written; else the table around it. */
  valueAt(path: TomlPath): Place;
}

/** Parses TOML. `where` names it in errors. Throws `bad-input` with line and column for what is not TOML. */
export function parseToml(text: string, where: string): Toml {
  try {
    return new Reader(where).read(parseTOML(text));
  } catch (cause) {
    if (cause instanceof ParseError) {
      const message = `${where}:${cause.lineNumber}:${cause.column + 1}: not valid TOML: ${cause.message}.`;
      throw new MirrorError('bad-input', message, { where, cause });
    }
    // The parser calls itself for each level.
    if (cause instanceof RangeError) throw tooDeep(where);
    throw cause;
  }
}

const tooDeep = (where: string): MirrorError =>
  new MirrorError('bad-input', `${where} is nested deeper than ${MAX_DEPTH} levels.`, { where });

type Container = Record<string | number, unknown>;

/** Makes a value of a syntax tree, and remembers where its parts are written. */
class Reader {
  readonly #where: string;
  readonly #value: Record<string, unknown> = Object.create(null);
  readonly #keys = new Map<string, Place>();
  readonly #values = new Map<string, Place>();

  constructor(where: string) {
    this.#where = where;
  }

  read(program: AST.TOMLProgram): Toml {
    for (const node of program.body[0].body) {
      if (node.type === 'TOMLKeyValue') this.#readPair(this.#value, [], node);
      else this.#readTable(node);
    }
    return {
      value: this.#value,
      keyAt: (path) => nearestPlace(this.#keys, path),
      valueAt: (path) => nearestPlace(this.#values, path),
    };
  }

  #readTable(node: AST.TOMLTable): void {
    const table = this.#containerAt(this.#value, [], node.resolvedKey);
    this.#keep(node.resolvedKey, node, node);
    for (const pair of node.body) this.#readPair(table, node.resolvedKey, pair);
  }

  #readPair(table: Container, base: TomlPath, { key, value }: AST.TOMLKeyValue): void {
    const names = key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
    const path = [...base, ...names];
    const last = names.at(-1) ?? '';
    this.#keep(path, key, value);
    this.#containerAt(table, base, names.slice(0, -1))[last] = this.#valueOf(value, path);
  }

  #valueOf(node: AST.TOMLContentNode, path: TomlPath): unknown {
    if (path.length > MAX_DEPTH) throw tooDeep(this.#where);
    if (node.type === 'TOMLArray') {
      return node.elements.map((element, index) => {
        this.#keep([...path, index], element, element);
        return this.#valueOf(element, [...path, index]);
      });
    }
    if (node.type === 'TOMLInlineTable') {
      const table: Container = Object.create(null);
      for (const pair of node.body) this.#readPair(table, path, pair);
      return table;
    }
    return 'datetime' in node ? node.datetime : node.value;
  }

  /** Returns the table or list at a path below `table`, which is at `base`. Makes what is not there yet. */
  #containerAt(table: Container, base: TomlPath, path: TomlPath): Container {
    if (base.length + path.length > MAX_DEPTH) throw tooDeep(this.#where);
    return path.reduce<Container>((container, part, index) => {
      container[part] ??= typeof path[index + 1] === 'number' ? [] : Object.create(null);
      return container[part] as Container;
    }, table);
  }

  #keep(path: TomlPath, key: AST.TOMLNode, value: AST.TOMLNode): void {
    this.#keys.set(JSON.stringify(path), placeOf(key));
    this.#values.set(JSON.stringify(path), placeOf(value));
  }
}

const placeOf = ({ loc: { start } }: AST.TOMLNode): Place => ({
  line: start.line,
  column: start.column + 1,
});

function nearestPlace(places: ReadonlyMap<string, Place>, path: TomlPath): Place {
  for (let length = path.length; length > 0; length -= 1) {
    const place = places.get(JSON.stringify(path.slice(0, length)));
    if (place) return place;
  }
  return { line: 1, column: 1 };
}
