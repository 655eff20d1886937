import { MirrorError } from '../../format/errors.ts';

/** Runs `make`, and says of what it refuses which package it was whose name or version no file can have. */
export function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof MirrorError)) throw cause;
    const { code, message, expected, found } = cause;
    throw new MirrorError(code, `${name} cannot be mirrored: ${message}`, {
      where: name,
      expected,
      found,
      cause,
    });
  }
}

/** Throws `bad-input` unless a package's JSON is about the package it was asked for. */
export function expectName(found: string, expected: string): void {
  if (found === expected) return;
  throw new MirrorError('bad-input', `The upstream's JSON for ${expected} describes another package.`, {
    where: expected,
    expected,
    found: found.slice(0, 200),
  });
}
