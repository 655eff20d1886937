import { createPublicKey, type KeyObject } from 'node:crypto';
import { MirrorError } from '../../../format/errors.ts';
import { UpstreamLocation } from '../location.ts';

/** Homebrew's own: the API on this host, bottles in a registry on another. */
const OWN = 'https://formulae.brew.sh/';
const OWN_REGISTRY = 'https://ghcr.io/v2/homebrew/core/';

/** The key that Homebrew signs its API with, as brew carries it (`api/homebrew-1.pem`). */
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

/** Where Homebrew's API and bottles are had, and the key that the API must be signed with. */
export class HomebrewSource {
  /** What `api/…` and the registry are relative to. */
  readonly location: UpstreamLocation;
  /** Address of the images, with a slash at its end; it may be relative to the location. */
  readonly registry: string;
  readonly key: KeyObject;

  private constructor(location: UpstreamLocation, registry: string, key: KeyObject) {
    this.location = location;
    this.registry = registry;
    this.key = key;
  }

  /**
   * Homebrew's own hosts, or `where` (URL or folder) with the API below `api/` and the registry below `v2/`, as a mirror
   * has them. `key` (PEM) replaces Homebrew's key for such a place; for Homebrew's own hosts it is refused, so that
   * nothing slips a key of its own into what everybody uses. Throws `usage`.
   */
  static parse(where?: string, key?: string): HomebrewSource {
    const location = UpstreamLocation.parse(where ?? OWN);
    const isOwn = location.base.href === OWN;
    if (isOwn && key !== undefined) {
      throw new MirrorError('usage', "Homebrew's own API is signed with Homebrew's key, and no other.");
    }
    const registry = isOwn ? OWN_REGISTRY : 'v2/homebrew/core/';
    return new HomebrewSource(location, registry, publicKeyOf(key ?? OWN_KEY));
  }
}

function publicKeyOf(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // The same answer as for a key of another kind.
  }
  throw new MirrorError('usage', 'The key of a Homebrew API is an RSA public key in PEM.', {
    found: pem.slice(0, 40),
  });
}
