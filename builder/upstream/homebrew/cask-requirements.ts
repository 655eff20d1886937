import { plainText, textOf } from './symbols.ts';

/** Versions of macOS by the names that casks give them. */
const MACOS_VERSIONS: Readonly<Record<string, string>> = {
  ...{ el_capitan: '10.11', sierra: '10.12', high_sierra: '10.13', mojave: '10.14', catalina: '10.15' },
  ...{ big_sur: '11', monterey: '12', ventura: '13', sonoma: '14', sequoia: '15', tahoe: '26' },
  golden_gate: '27',
};

/** How stout-index, which copies Homebrew's older API, writes an architecture. */
const ARCHITECTURES: Readonly<Record<string, object>> = {
  ...{
    arm64: { type: 'arm', bits: 64 },
    intel: { type: 'intel', bits: 64 },
    x86_64: { type: 'intel', bits: 64 },
  },
};

/** What a cask depends on; what it does not depend on is absent. */
export interface CaskRequirements {
  formula?: string[];
  cask?: string[];
  /** Versions by operator. */
  macos?: Record<string, string[]>;
  maximum_macos?: Record<string, string[]>;
  arch?: unknown[];
}

/**
 * Returns what a cask depends on as stout-index writes it. Homebrew's API has `:ventura` for Ventura or newer, or before
 * brew 5.1.11 `>= :ventura`; a list for exactly these; `:any` for any version; and `maximum_macos` for an upper bound.
 */
export function caskRequirements(args: Record<string, unknown>): CaskRequirements {
  const given = new Map(Object.entries(args).map(([key, value]) => [plainText(key), value]));
  const names = (key: string): string[] =>
    [given.get(key) ?? []].flat().map((name) => plainText(textOf(name)));
  const found = {
    formula: names('formula'),
    cask: names('cask'),
    macos: bounds(given.get('macos'), '>='),
    maximum_macos: bounds(given.get('maximum_macos'), '<='),
    arch: names('arch').map((name) => ARCHITECTURES[name] ?? name),
  };
  return Object.fromEntries(
    Object.entries(found).filter(([, value]) => value !== undefined && Object.keys(value).length > 0),
  );
}

/** Returns versions by operator; `symbol` is what a version alone means. */
function bounds(value: unknown, symbol: string): Record<string, string[]> | undefined {
  if (value === undefined || value === null || value === ':any') return undefined;
  if (Array.isArray(value)) return { '==': value.map((name) => versionOf(textOf(name))) };
  const [, operator = symbol, version = ''] = /^([<>=]+)?\s*(.*)$/.exec(textOf(value)) ?? [];
  return { [operator]: [versionOf(version)] };
}

function versionOf(name: string): string {
  const plain = plainText(name);
  return MACOS_VERSIONS[plain] ?? plain;
}
