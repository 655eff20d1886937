/**
 * Homebrew's API writes Ruby symbols as text with a colon before it, and a backslash before text that would look like
 * one. Here both are the text alone.
 */
export const plainText = (text: string): string => text.replace(/^[:\\]/, '');

/** A value where text belongs; what is none is shown as JSON, because not everything that JSON can hold turns into text. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

/** As {@link plainText}, of every text in a value, keys included. */
export function plainValue(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [plainText(key), plainValue(item)]));
}
