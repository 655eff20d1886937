/** Whether a deprecation (Homebrew's arguments of it) holds at a time, Unix seconds: some begin on a date to come. */
export function isDue(args: Record<string, unknown> | undefined, now: number): boolean {
  if (args === undefined) return false;
  const date = args[':date'];
  return typeof date !== 'string' || !(Date.parse(date) / 1000 > now);
}
