import { expect, test } from 'vitest';
import { sign } from '../../format/minisign/ed25519.ts';
import { PORTABLE } from '../../format/runtime-crypto.ts';
import { RUNTIME_CRYPTO } from '../../worker/runtime-crypto.ts';
import { KEY, OTHER_KEY } from '../format/support.ts';

const MESSAGE = new TextEncoder().encode('hello');
const GOOD = sign(MESSAGE, KEY.seed);
/** The order of the group: S plus it is the same number to a sloppy verifier (RFC 8032 section 5.1.7). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function malleable(): Uint8Array {
  let sum = ORDER + BigInt(`0x${Buffer.from(GOOD.slice(32)).reverse().toString('hex')}`);
  const bytes = Uint8Array.from(GOOD);
  for (let at = 32; at < 64; at++, sum >>= 8n) bytes[at] = Number(sum & 0xffn);
  return bytes;
}

const flipped = (at: number): Uint8Array => GOOD.map((byte, index) => (index === at ? byte ^ 1 : byte));

test.each<[what: string, signature: Uint8Array, message: Uint8Array, key: Uint8Array, holds: boolean]>([
  ['is good', GOOD, MESSAGE, KEY.publicKey.key, true],
  ['has one bit of R changed', flipped(0), MESSAGE, KEY.publicKey.key, false],
  ['has one bit of S changed', flipped(40), MESSAGE, KEY.publicKey.key, false],
  ['has an S beyond the order', malleable(), MESSAGE, KEY.publicKey.key, false],
  ['is cut short', GOOD.slice(0, 63), MESSAGE, KEY.publicKey.key, false],
  ['is over another message', GOOD, MESSAGE.slice(1), KEY.publicKey.key, false],
  ['is by another key', GOOD, MESSAGE, OTHER_KEY.publicKey.key, false],
  ['is by a key that is no point', GOOD, MESSAGE, new Uint8Array(32).fill(2), false],
])('when a signature %s, both implementations say so', (_, signature, message, key, holds) => {
  expect(RUNTIME_CRYPTO.verify(signature, message, key)).toBe(holds);
  expect(PORTABLE.verify(signature, message, key)).toBe(holds);
});

test('when bytes are hashed, both implementations agree', () => {
  for (const length of [0, 1, 55, 56, 64, 1000]) {
    const bytes = new Uint8Array(length).fill(length);
    expect(RUNTIME_CRYPTO.sha256Hex(bytes)).toBe(PORTABLE.sha256Hex(bytes));
  }
});
