import { MirrorError } from './errors.ts';
import { type PublicKey, publicKeyHex } from './minisign/public-key.ts';
import { withoutTrailingSlashes } from './origin.ts';

/** What a client's configuration says about a mirror. */
export interface ClientConfigInput {
  /** Address under which clients reach the mirror, no trailing slash; of a private one with a user or password. */
  origin: string;
  publicKeys: readonly PublicKey[];
  /** How long a signature is good for, seconds. */
  validFor: number;
}

/** A whole `config.toml` for stout. */
export function stoutConfig({ origin, publicKeys, validFor }: ClientConfigInput): string {
  const secure = origin.startsWith('https://');
  const keys = publicKeys.map((key) => `"${publicKeyHex(key)}"`).join(', ');
  const lines = [
    `# stout, installing from ${withoutCredentials(origin)}`,
    '# Goes to ~/.stout/config.toml; then run: stout update',
    '[index]',
    `base_url = ${JSON.stringify(`${origin}/index`)}`,
    '',
    '[security]',
    'require_signature = true',
    ...(secure
      ? ['allow_unsigned = false']
      : [
          '# stout refuses allow_unsigned = false when base_url is not https.',
          '# Signatures are required and checked all the same.',
          'allow_unsigned = true',
        ]),
    `max_signature_age = ${validFor}`,
    `additional_trusted_keys = [${keys}]`,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * A whole `brew.env` for brew. brew takes the lines that begin with `HOMEBREW_` as they stand, quotes included, so there
 * are none. `origin` as in {@link ClientConfigInput}. Throws `bad-input` for a token that no header can carry.
 */
export function brewEnvironment(origin: string): string {
  const { username, password } = new URL(origin);
  const token = decodeURIComponent(password || username);
  if (/[^\x21-\x7e]/.test(token)) {
    throw new MirrorError('bad-input', 'The token of a mirror has no blanks and only ASCII.', {
      where: new URL(origin).host,
    });
  }
  const plain = withoutCredentials(origin);
  const lines = [
    `# brew, installing from ${plain}`,
    '# Goes to ~/.homebrew/brew.env; then run: brew update',
    `HOMEBREW_API_DOMAIN=${origin}/api`,
    ...(token === '' ? openBottles(plain) : privateBottles(plain, token)),
  ];
  return `${lines.join('\n')}\n`;
}

const openBottles = (origin: string): string[] => [
  '# What this mirror does not have comes from ghcr.io.',
  `HOMEBREW_BOTTLE_DOMAIN=${origin}/bottles`,
  '# Where bottles may come from nowhere else: these two in place of HOMEBREW_BOTTLE_DOMAIN.',
  `# HOMEBREW_ARTIFACT_DOMAIN=${origin}`,
  '# HOMEBREW_ARTIFACT_DOMAIN_NO_FALLBACK=1',
];

/** Elsewhere the token would be shown to ghcr.io as well, whenever a bottle is not here. */
const privateBottles = (origin: string, token: string): string[] => [
  '# Bottles come from nowhere else: brew would show the token there too.',
  `HOMEBREW_ARTIFACT_DOMAIN=${origin}`,
  'HOMEBREW_ARTIFACT_DOMAIN_NO_FALLBACK=1',
  `HOMEBREW_DOCKER_REGISTRY_TOKEN=${token}`,
];

function withoutCredentials(origin: string): string {
  const url = new URL(origin);
  url.username = '';
  url.password = '';
  return withoutTrailingSlashes(url.href);
}
