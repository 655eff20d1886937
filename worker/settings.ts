import { MirrorError } from '../format/errors.ts';
import { type PublicKey, parsePublicKey } from '../format/minisign/public-key.ts';
import { isReadable, originOf } from '../format/origin.ts';
import { parseValue } from '../format/parse.ts';
import { mirrorIdSchema } from '../format/snapshot/root.ts';
import type { Encryption } from './http/encryption.ts';

/** How to serve a mirror. */
export interface Settings {
  /** Keys whose snapshots are served. Without any, and without `allowUnverified`, nothing is served. */
  trusted: readonly PublicKey[];
  /** Serve snapshots that no trusted key has signed, with a warning on every response. */
  allowUnverified: boolean;
  /** The id of the only mirror to serve; any mirror of the trusted keys when absent. */
  mirror: string | undefined;
  /** What to do with a snapshot that has expired. */
  expired: 'serve' | 'refuse';
  /** Scheme and host that clients use, where requests have another one. */
  publicUrl: string | undefined;
  /** Where encryption ends: a private mirror keeps its tokens off plain http. */
  encryption: Encryption;
  /** Tokens of a private mirror: requests without one get only its health. Empty for a public mirror. */
  tokens: readonly string[];
  /** Storage operations that one call of verification, or one listing, may use. */
  verifyOperations: number;
}

/** Variables of wrangler.toml, and secrets: all text, all optional. */
export interface SettingVariables {
  TRUSTED_KEYS?: string;
  ALLOW_UNVERIFIED?: string;
  MIRROR_ID?: string;
  EXPIRED?: string;
  PUBLIC_URL?: string;
  MIRROR_TOKEN?: string;
  VERIFY_OPERATIONS?: string;
}

/** Fits the 50 subrequests of a free plan. */
const DEFAULT_OPERATIONS = 45;
/** What the first call of a verification may need: a listing, the documents and one slice of files. */
const LEAST_OPERATIONS = 40;

/** Parses the variables. Throws `bad-input` for an invalid one: no service is better than one that trusts the wrong keys. */
export function parseSettings(variables: SettingVariables): Settings {
  const read = (name: keyof SettingVariables): string | undefined => textOf(name, variables[name]);
  // People paste a whole .pub file, whose first line is a comment.
  const lines = (read('TRUSTED_KEYS') ?? '').replace(/^untrusted comment:.*$/gm, '');
  const keys = lines.split(/[\s,]+/).filter((key) => key !== '');
  const publicUrl = read('PUBLIC_URL');
  const tokens = parseTokens(read('MIRROR_TOKEN'));
  const mirrorId = read('MIRROR_ID');
  return {
    trusted: keys.map((key) => parsePublicKey(key, 'TRUSTED_KEYS')),
    allowUnverified: read('ALLOW_UNVERIFIED') === 'true',
    mirror: mirrorId ? parseValue(mirrorIdSchema, mirrorId, 'MIRROR_ID') : undefined,
    expired: expiredRule(read('EXPIRED')),
    publicUrl: publicUrl ? publicOrigin(publicUrl, tokens) : undefined,
    encryption: 'here',
    tokens,
    verifyOperations: operations(read('VERIFY_OPERATIONS')),
  };
}

/** wrangler.toml may have numbers, booleans and lists too, which arrive as they are. */
function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new MirrorError('bad-input', `${name} must be text: put its value in quotes.`, { where: name });
}

/**
 * Parses the tokens of MIRROR_TOKEN, separated by white space or commas. Throws `bad-input` for a variable that is set
 * without any: an empty secret must not open a private mirror to all.
 */
export function parseTokens(text: string | undefined): string[] {
  const tokens = (text ?? '').split(/[\s,]+/).filter((token) => token !== '');
  const readable = tokens.every((token) => /^[\x21-\x7e]+$/.test(token));
  if (readable && (text === undefined || tokens.length > 0)) return tokens;
  throw new MirrorError(
    'bad-input',
    'MIRROR_TOKEN must be one or more tokens of printable ASCII characters.',
    {
      expected: 'tokens separated by spaces or commas; leave the variable out for a public mirror',
    },
  );
}

/** URLs that a private mirror sends contain a token, so they must lead to https, or stay on this machine. */
function publicOrigin(text: string, tokens: readonly string[]): string {
  const origin = originOf(text);
  if (tokens.length === 0 || !isReadable(origin)) return origin;
  throw new MirrorError('bad-input', 'PUBLIC_URL of a private mirror must be https.', { found: text });
}

function expiredRule(value = 'serve'): Settings['expired'] {
  if (value === 'serve' || value === 'refuse') return value;
  throw new MirrorError('bad-input', 'EXPIRED must be serve or refuse.', { found: value });
}

function operations(text: string | undefined): number {
  if (text === undefined) return DEFAULT_OPERATIONS;
  const value = Number(text);
  if (Number.isInteger(value) && value >= LEAST_OPERATIONS) return value;
  const message = `VERIFY_OPERATIONS must be a whole number of at least ${LEAST_OPERATIONS}.`;
  throw new MirrorError('bad-input', message, {
    found: text,
  });
}
