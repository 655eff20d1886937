import { MirrorError } from './errors.ts';
import { type PublicKey, publicKeyHex } from './minisign/public-key.ts';
import { withoutTrailingSlashes } from './origin.ts';

/** What a client must know about a mirror. */
export interface ClientConfigInput {
  /** URL under which clients reach the mirror, without a trailing slash. For a private mirror, it has a user or password. */
  origin: string;
  publicKeys: readonly PublicKey[];
  /** Seconds for which a signature is valid. */
  validFor: number;
}

const OVER_HTTPS = `# Refuses an index that is unsigned, signed by another key, or too old.
require_signature = true
allow_unsigned = false`;

const OVER_HTTP = `# Use https if you can. These are the strictest settings that stout accepts for
# http. They refuse an index that is unsigned or signed by another key, but not
# an old one.
require_signature = false
allow_unsigned = false`;

/** Has stout 0.2.2 keep the first index that it fetches (docs/decisions/0014). It does no harm with other releases. */
export const BEFORE_FIRST_UPDATE = 'rm -f ~/.stout/index.db*; echo none > ~/.stout/index.db';

/**
 * Has brew forget the index that it has from another address. It asks only whether there is one since its last request, and a mirror
 * or an older snapshot may have had its own for longer.
 */
export const AFTER_CHANGE_OF_ADDRESS = 'rm -rf "$(brew --cache)/api"';

/** Returns a complete `config.toml` for stout. */
export function stoutConfig({ origin, publicKeys, validFor }: ClientConfigInput): string {
  const keys = publicKeys.map((key) => `"${publicKeyHex(key)}"`).join(', ');
  return `# stout, installing from ${withoutCredentials(origin)}
# Save as ~/.stout/config.toml; then run: stout update
# stout 0.2.2 loses its first index. Before its first update, run:
#   ${BEFORE_FIRST_UPDATE}
[index]
base_url = ${JSON.stringify(`${origin}/index`)}

[security]
${origin.startsWith('https://') ? OVER_HTTPS : OVER_HTTP}
max_signature_age = ${validFor}
additional_trusted_keys = [${keys}]
`;
}

/**
 * Returns a complete `brew.env` for brew. brew takes lines that begin with `HOMEBREW_` literally, quotes included, so
 * nothing is quoted. `origin` is that of {@link ClientConfigInput}. Throws `bad-input` for a token that fits no header.
 */
export function brewEnvironment(origin: string): string {
  const { username, password, host: where } = new URL(origin);
  const token = decodeURIComponent(password || username);
  if (/[^\x21-\x7e]/.test(token)) {
    throw new MirrorError('bad-input', 'The token of a mirror must be ASCII without spaces.', { where });
  }
  const plain = withoutCredentials(origin);
  return `# brew, installing from ${plain}
# Save as ~/.homebrew/brew.env; then run:
#   ${AFTER_CHANGE_OF_ADDRESS}; brew update
HOMEBREW_API_DOMAIN=${origin}/api
${token === '' ? publicBottles(plain) : privateBottles(plain, token)}
`;
}

const publicBottles = (origin: string): string => `# Bottles that this mirror does not have come from ghcr.io.
HOMEBREW_BOTTLE_DOMAIN=${origin}/bottles
# To allow bottles from this mirror only, replace HOMEBREW_BOTTLE_DOMAIN with these two:
# HOMEBREW_ARTIFACT_DOMAIN=${origin}
# HOMEBREW_ARTIFACT_DOMAIN_NO_FALLBACK=1`;

/** With a fallback, brew would send the token to ghcr.io for every bottle that the mirror lacks. */
const privateBottles = (
  origin: string,
  token: string,
): string => `# Bottles come from nowhere else: brew would send the token there too.
HOMEBREW_ARTIFACT_DOMAIN=${origin}
HOMEBREW_ARTIFACT_DOMAIN_NO_FALLBACK=1
HOMEBREW_DOCKER_REGISTRY_TOKEN=${token}`;

function withoutCredentials(origin: string): string {
  const url = new URL(origin);
  url.username = '';
  url.password = '';
  return withoutTrailingSlashes(url.href);
}
