import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifyJws } from '../../../builder/upstream/homebrew/jws.ts';
import { HomebrewSource } from '../../../builder/upstream/homebrew/source.ts';
import { utf8 } from '../../../format/bytes.ts';
import { SAMPLE_KEY, signJws } from '../../../scripts/sample/homebrew/jws.ts';
import { failing } from '../failing.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PAYLOAD = '{"desc":"Über-tool — ✓"}';

interface Parts {
  payload?: string;
  signed?: string;
  header?: object;
  kid?: string;
  saltLength?: number;
  hash?: string;
  padding?: number;
}

/** One signature as Homebrew makes it, by OpenSSL and so independent of the sample's own; any part may be another. */
function signature({ signed = PAYLOAD, header, kid = 'homebrew-1', ...how }: Parts = {}) {
  const text = JSON.stringify(header ?? { alg: 'PS512', b64: false, crit: ['b64'] });
  const encoded = Buffer.from(text).toString('base64url');
  const { saltLength = 64, hash = 'sha512', padding = constants.RSA_PKCS1_PSS_PADDING } = how;
  const options = { key: privateKey, padding, ...(padding === 6 ? { saltLength } : {}) };
  const bytes = sign(hash, Buffer.from(`${encoded}.${signed}`), options);
  return { protected: encoded, header: { kid }, signature: bytes.toString('base64url') };
}

const file = (parts: Parts = {}): string =>
  JSON.stringify({ payload: parts.payload ?? PAYLOAD, signatures: [signature(parts)] });

const opened = (text: string): string => verifyJws(utf8(text), publicKey, 'the file');

describe('verifyJws', () => {
  it("when Homebrew's signature holds, gives the payload as it was signed", () => {
    expect(opened(file())).toBe(PAYLOAD);
  });

  it('when another key has signed as well, finds the one that brew trusts', () => {
    const other = { ...signature({ kid: 'homebrew-2' }), signature: 'AAAA' };
    expect(opened(JSON.stringify({ payload: PAYLOAD, signatures: [other, signature()] }))).toBe(PAYLOAD);
  });

  it("when the sample's own signer made it, holds all the same", () => {
    const { key } = HomebrewSource.parse('/tmp', SAMPLE_KEY);
    expect(verifyJws(utf8(signJws(PAYLOAD)), key, 'the file')).toBe(PAYLOAD);
  });

  it.each<[what: string, text: string, message: RegExp]>([
    ['one byte of the payload is another', file({ payload: PAYLOAD.replace('tool', 'tooL') }), /was altered/],
    ['the payload is longer', file({ payload: `${PAYLOAD} ` }), /was altered/],
    ['the key has another name', file({ kid: 'homebrew-2' }), /no signature by the key that brew trusts/],
    [
      'there is no signature',
      JSON.stringify({ payload: PAYLOAD, signatures: [] }),
      /no signature by the key/,
    ],
    ['alg is none', file({ header: { alg: 'none', b64: false } }), /in a way that brew does not accept/],
    ['alg is RS512', file({ header: { alg: 'RS512', b64: false } }), /in a way that brew does not accept/],
    ['the payload is said to be encoded', file({ header: { alg: 'PS512' } }), /encoded payload/],
    [
      'it demands what nobody knows',
      file({ header: { alg: 'PS512', b64: false, crit: ['b64', 'exp'] } }),
      /unknown/,
    ],
    ['the salt has another length', file({ saltLength: 32 }), /was altered/],
    ['the hash is SHA-256', file({ hash: 'sha256' }), /was altered/],
    ['the padding is of PKCS #1 v1.5', file({ padding: constants.RSA_PKCS1_PADDING }), /was altered/],
  ])('when %s, refuses it and says why', (_what, text, message) => {
    expect(() => opened(text)).toThrow(failing('bad-signature', { message: expect.stringMatching(message) }));
  });

  it.each<[what: string, text: string]>([
    ['it is not JSON', '{'],
    ['it is compact', 'a.b.c'],
    ['there is more in it than a payload and signatures', file().replace('{', '{"payload2":"",')],
    ['the signature is base64, not base64url', file().replace(/"signature":"/, '"signature":"+/')],
    ['the payload has half a surrogate pair', file().replace('tool', '\\ud800')],
  ])('when %s, it is no such file', (_what, text) => {
    expect(() => opened(text)).toThrow(failing('bad-input'));
  });
});

describe('HomebrewSource', () => {
  it("when Homebrew's own API is meant, takes no other key than Homebrew's", () => {
    expect(() => HomebrewSource.parse(undefined, SAMPLE_KEY)).toThrow(failing('usage'));
    expect(() => HomebrewSource.parse('https://formulae.brew.sh', SAMPLE_KEY)).toThrow(failing('usage'));
    const { asymmetricKeyDetails } = HomebrewSource.parse().key;
    expect(asymmetricKeyDetails?.modulusLength).toBe(4096);
  });

  it('when another place is meant without a key, expects the files of Homebrew itself there', () => {
    const there = HomebrewSource.parse('https://mirror.example').key;
    expect(there.equals(HomebrewSource.parse().key)).toBe(true);
  });

  it.each(['', 'no key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'])(
    'when %j is given for a key, says what a key is',
    (pem) => {
      expect(() => HomebrewSource.parse('/tmp', pem)).toThrow(failing('usage'));
    },
  );
});
