import { MirrorError } from '../../format/errors.ts';

/** Runs `make`; an error that it throws then names the package whose name or version no file can have. */
export function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof MirrorError)) throw cause;
    const { code, message, expected, found } = cause;
    throw new MirrorError(code, `${name} cannot be mirrored: ${message}`, {
      ...{ where: name, expected, found, cause },
    });
  }
}

/** Throws `mismatch` unless a package's description is of the version that its index lists, by which rules decided. */
export function expectVersion(name: string, found: string, expected: string | undefined): void {
  if (expected === undefined || found === expected) return;
  throw new MirrorError(
    'mismatch',
    `The upstream's index lists ${name} ${expected.slice(0, 200)}, and its JSON describes another version: try again when they agree.`,
    { where: name, expected: expected.slice(0, 200), found: found.slice(0, 200) },
  );
}

/** Throws `bad-input` unless a package's description is of the package that was asked for. */
export function expectName(found: string, expected: string): void {
  if (found === expected) return;
  throw new MirrorError('bad-input', `The upstream's JSON for ${expected} describes another package.`, {
    where: expected,
    expected,
    found: found.slice(0, 200),
  });
}
