/** What a search looks at. */
interface Searched {
  name: string;
  desc: string;
}

/** Returns the packages whose name or description contains the query in any case; names that begin with it come first. */
export function matching<T extends Searched>(packages: readonly T[], query: string): T[] {
  // In the query of a URL + means a space, but people type gtk+3.
  const spellings = [query.toLowerCase(), query.toLowerCase().replaceAll(' ', '+')];
  const first: T[] = [];
  const rest: T[] = [];
  for (const item of packages) {
    const text = `${item.name} ${item.desc}`.toLowerCase();
    if (spellings.some((spelling) => text.startsWith(spelling))) first.push(item);
    else if (spellings.some((spelling) => text.includes(spelling))) rest.push(item);
  }
  return [...first, ...rest];
}
