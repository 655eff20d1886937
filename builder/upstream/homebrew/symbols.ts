/**
 * Returns text without Homebrew's mark for a Ruby symbol, a colon in front, and without the backslash that it puts before
 * text that would look like a symbol.
 */
export const plainText = (text: string): string => text.replace(/^[:\\]/, '');

/** Returns a value as text; anything but a string becomes JSON, because not every JSON value converts to text. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

/** Applies {@link plainText} to every text in a value, keys included. */
export function plainValue(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [plainText(key), plainValue(item)]));
}
