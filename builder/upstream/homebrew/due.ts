/** True when a deprecation, given by Homebrew's arguments, is in effect at `now`, Unix seconds; some begin on a future date. */
export function isDue(args: Record<string, unknown> | undefined, now: number): boolean {
  if (args === undefined) return false;
  const date = args[':date'];
  return typeof date !== 'string' || !(Date.parse(date) / 1000 > now);
}
