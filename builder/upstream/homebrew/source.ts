import { createPublicKey, type KeyObject } from 'node:crypto';
import { MirrorError } from '../../../format/errors.ts';
import { UpstreamLocation } from '../location.ts';

/** Homebrew's hosts: one for the API, and a registry for bottles. */
const OWN = 'https://formulae.brew.sh/';
const OWN_REGISTRY = 'https://ghcr.io/v2/homebrew/core/';

/** The key that signs Homebrew's API, as brew ships it (`api/homebrew-1.pem`). */
const OWN_KEY = `-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAyKoOYzp1rhwXISRi61BY
XBEr2PalSK8lEVOL2USy7mpy0OubOlFyujawyQcBcCn+uPOJ/WaK+POhNWcLLoiK
L2m8GViaQm7SMwdLKUXFgKSPHcG/1m6Vu+TNBKTfQqT60PjEYIrn5NW9ZrM0cUhK
REmsbeAMBevdSaW9UwY9iIhprrgovvT8SzKhF8ZOIZKXfJX4VNk0y/7VJYNuGGqH
3npxV7OKd4yTGRGqFcC9kJ84me3thiu0yqlOjASmfWIwIwcfp4j6BEM2LuqKd7yX
h51/O+MTthkuxV36moDKfdgdOFsvlCFkziaYLScCX9lOlmZHtOfJTAOXxTmM7qGr
wTGK0vhvTi8k9dBmH/dccredQBtPOfM/FEdeyakGLoTcDguiBS/4El3I2KtF6B2h
OGoBumR915/cI4drr5yPMduZ7gjs7ZEZnVkeVzic24TfUHpnOYzrhucNJtHMBDj9
6d1Gk82AhtuF9KlusLmCb6qXCWQSp/A4RZpN37E/p9q8rLp/7B/zp8X2TVvecPNy
BdMagdktdEqK7WPlYMcUp56JaOph8vqYoU+oGyCpWoLvcXFb75o4eefuu6Rs5SyM
c9JCCJ0DDFPjCRFnGPkvsKxFCzMFqH1jpWH0RQIrgmNVM5PO84iRH9YJsSPQzpMj
KvK/ZH4YgR9wNkBNagFo7lsCAwEAAQ==
-----END PUBLIC KEY-----
`;

/** Where Homebrew's API and bottles are, and the key that must sign the API. */
export class HomebrewSource {
  /** Base of `api/…` and of the registry. */
  readonly location: UpstreamLocation;
  /** Address of the images, ending with a slash; may be relative to the location. */
  readonly registry: string;
  readonly key: KeyObject;
  /** PEM of the key, if that is not Homebrew's. */
  readonly otherKey: string | undefined;

  private constructor(location: UpstreamLocation, registry: string, key?: string) {
    this.location = location;
    this.registry = registry;
    this.key = publicKeyOf(key ?? OWN_KEY);
    this.otherKey = key;
  }

  /**
   * Returns Homebrew's hosts, or `where` (URL or folder), which has the API below `api/` and the registry below `v2/` as a
   * mirror does. `key` (PEM) replaces Homebrew's key for such a place. For Homebrew's hosts a key is refused, so that nobody
   * can slip in another one. Throws `usage`.
   */
  static parse(where?: string, key?: string): HomebrewSource {
    const location = UpstreamLocation.parse(where ?? OWN);
    const isOwn = location.base.href === OWN;
    if (isOwn && key !== undefined) {
      throw new MirrorError(
        'usage',
        "Homebrew's API is signed with Homebrew's key, and no other is accepted.",
      );
    }
    const registry = isOwn ? OWN_REGISTRY : 'v2/homebrew/core/';
    return new HomebrewSource(location, registry, key);
  }
}

function publicKeyOf(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // Reported like a key of another kind.
  }
  throw new MirrorError('usage', 'The key of a Homebrew API is an RSA public key in PEM.', {
    found: pem.slice(0, 40),
  });
}
