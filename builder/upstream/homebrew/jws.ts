import { constants, type KeyObject, verify } from 'node:crypto';
import * as v from 'valibot';
import { MirrorError } from '../../../format/errors.ts';
import { parseJson } from '../../../format/parse.ts';

/** The key id that brew looks for among the signatures of a file. */
const KEY_ID = 'homebrew-1';
const ALGORITHM = 'PS512';

const jwsSchema = v.strictObject({
  payload: v.pipe(
    v.string(),
    // Half a surrogate pair has no UTF-8 form: its bytes would be those of another payload.
    v.check((text) => text.isWellFormed(), 'Not Unicode text.'),
  ),
  signatures: v.array(
    v.looseObject({
      protected: v.string(),
      header: v.optional(v.looseObject({ kid: v.optional(v.string()) })),
      signature: v.string(),
    }),
  ),
});

const headerSchema = v.looseObject({
  alg: v.string(),
  b64: v.optional(v.boolean(), true),
  crit: v.optional(v.array(v.string()), []),
});

/**
 * Verifies one of Homebrew's API files as brew does and returns its payload: JWS general JSON serialisation (RFC 7515
 * section 7.2.1) with an unencoded payload (RFC 7797), PS512, key id `homebrew-1`. Signatures by other keys do not count.
 * Throws `bad-input` for any other file, otherwise `bad-signature`.
 */
export function verifyJws(bytes: Uint8Array, key: KeyObject, where: string): string {
  const { payload, signatures } = parseJson(jwsSchema, bytes, where);
  const chosen = signatures.find(({ header }) => header?.kid === KEY_ID);
  if (!chosen) {
    throw refusal(where, 'has no signature by the key that brew trusts', {
      expected: KEY_ID,
      found: signatures.map(({ header }) => header?.kid ?? 'no name').join(', ') || 'no signature',
    });
  }
  expectHeader(chosen.protected, where);
  const input = Buffer.from(`${chosen.protected}.${payload}`);
  const options = {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  };
  if (verify('sha512', input, options, fromBase64Url(chosen.signature, where))) return payload;
  throw refusal(where, 'was altered, or signed with another key than the one expected');
}

function expectHeader(encoded: string, where: string): void {
  const { alg, b64, crit } = parseJson(headerSchema, fromBase64Url(encoded, where), `The header of ${where}`);
  if (alg !== ALGORITHM) {
    throw refusal(where, 'is signed in a way that brew does not accept', { expected: ALGORITHM, found: alg });
  }
  if (b64) {
    throw refusal(where, 'has a signature over an encoded payload', { expected: 'b64: false' });
  }
  // RFC 7515 section 4.1.11: a signature with critical parameters that are not understood is invalid.
  const unknown = crit.filter((name) => name !== 'b64');
  if (unknown.length === 0) return;
  throw refusal(where, 'has a signature with unknown critical parameters', { found: unknown.join(', ') });
}

function fromBase64Url(text: string, where: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') === text) return bytes;
  throw new MirrorError('bad-input', `${where} has a signature that is not base64url.`, { where });
}

const refusal = (
  where: string,
  reason: string,
  evidence: { expected?: string; found?: string } = {},
): MirrorError => new MirrorError('bad-signature', `${where} ${reason}.`, { where, ...evidence });
