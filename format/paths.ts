import { MirrorError } from './errors.ts';

const EXTENSION = /^[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)?$/;
const UNRESERVED = /^[A-Za-z0-9._~/-]*$/;
const MAX_SEGMENT = 200;
const MAX_PATH = 1000;
// Whole paths at once: a verifier looks at tens of thousands of them.
const SEGMENT = `[A-Za-z0-9_][A-Za-z0-9@+~,._=-]{0,${MAX_SEGMENT - 1}}`;
const SEGMENTS = new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`);
const ENDS_IN_DOT = /\.(?:\/|$)/;
const WINDOWS_DEVICE = /(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$)/i;

/** Returns `name` if it can be part of a file name on every file system and in every URL. Throws `bad-input`. */
export function plainName(name: string): string {
  if (isTreePath(name) && !name.includes('/')) return name;
  throw notPlain(name, 'cannot be part of a file name');
}

function notPlain(text: string, what: string): MirrorError {
  const found = text.slice(0, 80);
  return new MirrorError('bad-input', `${JSON.stringify(found)} ${what}.`, {
    expected: `up to ${MAX_SEGMENT} letters, digits and @+~,._=- that do not begin with a dot or dash`,
    found,
  });
}

/** Joins segments into a path of plain names. Throws `bad-input`. */
export const joinPath = (...segments: string[]): string => segments.map(plainName).join('/');

/** Returns `<stem>.<extension>`. Throws `bad-input` for an extension of other characters than letters and digits. */
export function withExtension(stem: string, extension: string): string {
  if (EXTENSION.test(extension)) return `${stem}.${extension}`;
  const found = extension.slice(0, 80);
  throw new MirrorError('bad-input', `${JSON.stringify(found)} is not a file extension.`, { found });
}

/** Returns `path` if it is a relative path of plain names. Throws `bad-input`. */
export function treePath(path: string): string {
  if (isTreePath(path)) return path;
  throw notPlain(path, 'cannot be a path of a mirror, which joins plain names by slashes');
}

/** True for a path that a mirror can have. */
export const isTreePath = (path: string): boolean =>
  path.length <= MAX_PATH && SEGMENTS.test(path) && !ENDS_IN_DOT.test(path) && !WINDOWS_DEVICE.test(path);

/** Escapes a mirror path for a URL: all but unreserved characters, `@`, `,` and `=`. The `+` matters most. */
export const encodePath = (path: string): string =>
  // Most paths, and a page may have thousands.
  UNRESERVED.test(path)
    ? path
    : path
        .split('/')
        .map((segment) =>
          encodeURIComponent(segment.toWellFormed())
            .replaceAll('%40', '@')
            .replaceAll('%2C', ',')
            .replaceAll('%3D', '='),
        )
        .join('/');
