import { MirrorError } from './errors.ts';

const COMPONENT = /^[A-Za-z0-9_][A-Za-z0-9@+~,._=-]*$/;
const EXTENSION = /^[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)?$/;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const MAX_SEGMENT = 200;
const MAX_PATH = 1000;

/** Returns `name` if it can be part of a file name on every file system and in every URL. Throws `bad-input`. */
export function plainName(name: string): string {
  const bad =
    !COMPONENT.test(name) || name.length > MAX_SEGMENT || name.endsWith('.') || WINDOWS_DEVICE.test(name);
  if (!bad) return name;
  throw new MirrorError('bad-input', `${JSON.stringify(name.slice(0, 80))} cannot be part of a file name.`, {
    expected: `up to ${MAX_SEGMENT} letters, digits and @+~,._=- that do not begin with a dot or dash`,
    found: name.slice(0, 80),
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
  for (const segment of path.split('/')) plainName(segment);
  return path;
}

/** True for a path that a mirror can have. */
export function isTreePath(path: string): boolean {
  try {
    return treePath(path).length <= MAX_PATH;
  } catch {
    return false;
  }
}

/** Escapes a mirror path for a URL: all but unreserved characters, `@`, `,` and `=`. The `+` matters most. */
export const encodePath = (path: string): string =>
  path
    .split('/')
    .map((segment) =>
      encodeURIComponent(segment).replaceAll('%40', '@').replaceAll('%2C', ',').replaceAll('%3D', '='),
    )
    .join('/');
