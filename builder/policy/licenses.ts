import parse, { type Info } from 'spdx-expression-parse';
import satisfies from 'spdx-satisfies';

/** Far longer than any licence of a formula. */
const MAX_LENGTH = 4000;

/**
 * Returns the function that says whether a licence, an SPDX expression, can be met with those that are allowed. A text that is
 * not SPDX, such as Homebrew's `Public Domain`, is allowed if it is on the list word for word.
 */
export function licenseCheck(allow: readonly string[]): (license: string) => boolean {
  const words = new Set(allow);
  const simple = allow.filter((item) => isSimple(item));
  const known = new Map<string, boolean>();
  return (license) => {
    const found = known.get(license) ?? (words.has(license) || isMet(license, simple));
    known.set(license, found);
    return found;
  };
}

function isMet(license: string, allow: readonly string[]): boolean {
  if (license.length > MAX_LENGTH || allow.length === 0) return false;
  try {
    return holds(parse(license), allow);
  } catch {
    return false; // not SPDX
  }
}

/** Part by part: the library would expand the whole expression, which can be exponentially long. */
function holds(info: Info, allow: readonly string[]): boolean {
  if ('conjunction' in info) {
    const [left, right] = [() => holds(info.left, allow), () => holds(info.right, allow)];
    return info.conjunction === 'or' ? left() || right() : left() && right();
  }
  const { license, plus, exception } = info;
  const text = `${license}${plus ? '+' : ''}${exception === undefined ? '' : ` WITH ${exception}`}`;
  return satisfies(text, [...allow]);
}

/** The library takes no others. */
function isSimple(text: string): boolean {
  try {
    return !('conjunction' in parse(text)) && satisfies(text, [text]);
  } catch {
    return false;
  }
}
