// Apart from digest.ts: most who ask for the form of a digest compute none, and start sooner without the code that does.

const HEX_SHA256 = /^[0-9a-f]{64}$/;

/** Returns true for a SHA-256 as this format writes it: 64 lower-case hex digits. */
export const isSha256 = (text: string): boolean => HEX_SHA256.test(text);
