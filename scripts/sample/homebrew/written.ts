/** A Ruby symbol: Homebrew writes it with a colon in front. */
export class RubySymbol {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export const symbol = (name: string): RubySymbol => new RubySymbol(name);

/**
 * Returns a value as Homebrew writes it to its internal API files (`Utils.deep_stringify_symbols` and
 * `deep_compact_blank`): symbols get a colon, text that looks like one a backslash; whatever is blank is left out, down to
 * the last member of an array: null, false, 0, blank text, and what has no other members. `undefined` if nothing is left.
 */
export function written(value: unknown): unknown {
  if (value instanceof RubySymbol) return `:${value.name}`;
  if (typeof value === 'string') return writtenText(value);
  if (Array.isArray(value)) return orNothing(value.map(written).filter((item) => item !== undefined));
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, item]) => [writtenKey(key), written(item)] as const);
    return orNothing(Object.fromEntries(members.filter(([, item]) => item !== undefined)));
  }
  return value === null || value === false || value === 0 ? undefined : value;
}

/** Returns the keys of an object as symbols. */
export const symbolKeys = (value: object): object =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [`${SYMBOL_KEY}${key}`, item]));

/** Marks a key as a symbol; no package has such a text. */
const SYMBOL_KEY = '\0';

const writtenKey = (key: string): string =>
  key.startsWith(SYMBOL_KEY) ? `:${key.slice(SYMBOL_KEY.length)}` : escaped(key);

const writtenText = (text: string): string | undefined => (text.trim() === '' ? undefined : escaped(text));

const escaped = (text: string): string => (/^[:\\]/.test(text) ? `\\${text}` : text);

const orNothing = <T extends object>(value: T): T | undefined =>
  Object.keys(value).length > 0 ? value : undefined;
