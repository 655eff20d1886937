import { type PublicKey, publicKeyHex } from './minisign/public-key.ts';

/** What a client's configuration says about a mirror. */
export interface ClientConfigInput {
  /** Scheme and host under which clients reach the mirror, no trailing slash. */
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
    `# stout, installing from ${origin}`,
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
