/** Returns an element that the server put into the page. Throws when there is none. */
export function part<T extends Element>(selector: string, within: ParentNode = document): T {
  const found = within.querySelector<T>(selector);
  if (found) return found;
  throw new Error(`The page has no ${selector}.`);
}
