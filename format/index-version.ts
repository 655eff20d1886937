/**
 * Returns the version string of an index: UTC `YYYY.MM.DD.HHMM`, as stout-index has it. If `previous` was made in the
 * same minute, a counter follows: a stock client takes an equal string for "nothing new".
 */
export function indexVersion(now: Date, previous?: string): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  const version = `${date.replaceAll('-', '.')}.${time.slice(0, 2)}${time.slice(3, 5)}`;
  if (previous === version) return `${version}.1`;
  if (!previous?.startsWith(`${version}.`)) return version;
  const counter = Number.parseInt(previous.slice(version.length + 1), 10);
  return `${version}.${counter > 0 ? counter + 1 : 1}`;
}
