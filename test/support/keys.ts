import { type SecretKey, secretKeyOf } from '../../format/minisign/secret-key.ts';

/** Published test keys: never trust them. */
export const TEST_KEY: SecretKey = secretKeyOf(new Uint8Array(32).fill(1), new Uint8Array(8).fill(1));
export const OTHER_KEY: SecretKey = secretKeyOf(new Uint8Array(32).fill(2), new Uint8Array(8).fill(2));
