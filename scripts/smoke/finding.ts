/** Something that does not hold; its message is what was found. */
class Unmet extends Error {}

/** What a check found out: evidence that it holds, or why it says nothing here. Evidence fits a line of 80 columns. */
export type Finding = string | { noted: string };

/** Throws what was found where something does not hold. */
export function expect(holds: boolean | undefined, found: string): void {
  if (!holds) throw new Unmet(found);
}
