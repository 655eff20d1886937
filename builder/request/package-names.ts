/** Names in a list of packages: separated by blanks or line ends; `#` begins a comment, to the end of its line. */
export const parsePackageNames = (text: string): string[] =>
  text.split(/\r\n?|\n/).flatMap((line) =>
    line
      .replace(/#.*$/s, '')
      .split(/\s+/)
      .filter((name) => name !== ''),
  );
