/** Names in a list of packages: separated by blanks or line ends; `#` begins a comment. */
export const parsePackageNames = (text: string): string[] =>
  text.split(/\r?\n/).flatMap((line) =>
    line
      .replace(/#.*$/, '')
      .split(/\s+/)
      .filter((name) => name !== ''),
  );
