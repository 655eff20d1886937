import { MirrorError } from '../format/errors.ts';
import { type PublicKey, parsePublicKey } from '../format/minisign/public-key.ts';
import { originOf } from '../format/origin.ts';

/** How a mirror is served. */
export interface Settings {
  /** Keys whose snapshots are served. Without any, and without `allowUnverified`, nothing is. */
  trusted: readonly PublicKey[];
  /** Serve snapshots that no trusted key has signed, saying so on every response. */
  allowUnverified: boolean;
  /** What to do once a snapshot has expired. */
  expired: 'serve' | 'refuse';
  /** Scheme and host that clients use, where the request cannot tell. */
  publicUrl: string | undefined;
  /** Of a private mirror: who sends none of these gets nothing but its health. Empty for a mirror open to all. */
  tokens: readonly string[];
  /** Storage operations that one verification call, or one listing, may use. */
  verifyOperations: number;
}

/** Variables of wrangler.toml or its secrets, all optional text. */
export interface SettingVariables {
  TRUSTED_KEYS?: string;
  ALLOW_UNVERIFIED?: string;
  EXPIRED?: string;
  PUBLIC_URL?: string;
  MIRROR_TOKEN?: string;
  VERIFY_OPERATIONS?: string;
}

/** Fits the 50 subrequests of a free plan. */
const DEFAULT_OPERATIONS = 45;

/** Reads the variables. A key that cannot be read is `bad-input`: better no service than one that trusts too little or too much. */
export function parseSettings(variables: SettingVariables): Settings {
  expectText({ ...variables });
  // A whole .pub file may be pasted in: its first line is a comment.
  const lines = (variables.TRUSTED_KEYS ?? '').replace(/^untrusted comment:.*$/gm, '');
  const keys = lines.split(/[\s,]+/).filter((key) => key !== '');
  return {
    trusted: keys.map((key) => parsePublicKey(key, 'TRUSTED_KEYS')),
    allowUnverified: variables.ALLOW_UNVERIFIED === 'true',
    expired: oneOf('EXPIRED', variables.EXPIRED ?? 'serve', ['serve', 'refuse']),
    publicUrl: variables.PUBLIC_URL ? originOf(variables.PUBLIC_URL) : undefined,
    tokens: parseTokens(variables.MIRROR_TOKEN),
    verifyOperations: operations(variables.VERIFY_OPERATIONS),
  };
}

const NAMES: readonly (keyof SettingVariables)[] = [
  'TRUSTED_KEYS',
  'ALLOW_UNVERIFIED',
  'EXPIRED',
  'PUBLIC_URL',
  'MIRROR_TOKEN',
  'VERIFY_OPERATIONS',
];

/** wrangler.toml can hold numbers, booleans and lists too, and hands them on as they are. */
function expectText(variables: Readonly<Record<string, unknown>>): void {
  const other = NAMES.find((name) => !['string', 'undefined'].includes(typeof variables[name]));
  if (other === undefined) return;
  throw new MirrorError('bad-input', `${other} must be text: put its value in quotes.`, { where: other });
}

/**
 * The tokens of MIRROR_TOKEN, with white space or commas between. A variable that is set but holds none is `bad-input`:
 * an empty secret must not open a private mirror to all.
 */
export function parseTokens(text: string | undefined): string[] {
  const tokens = (text ?? '').split(/[\s,]+/).filter((token) => token !== '');
  const readable = tokens.every((token) => /^[\x21-\x7e]+$/.test(token));
  if (readable && (text === undefined || tokens.length > 0)) return tokens;
  throw new MirrorError(
    'bad-input',
    'MIRROR_TOKEN must be one or more tokens of printable ASCII characters.',
    {
      expected: 'tokens with spaces or commas between; leave the variable out for a mirror open to all',
    },
  );
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found) return found;
  throw new MirrorError('bad-input', `${name} must be ${allowed.join(' or ')}.`, {
    expected: allowed.join(', '),
    found: value,
  });
}

function operations(text: string | undefined): number {
  if (text === undefined) return DEFAULT_OPERATIONS;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 4) return value;
  throw new MirrorError('bad-input', 'VERIFY_OPERATIONS must be a whole number of at least 4.', {
    found: text,
  });
}
