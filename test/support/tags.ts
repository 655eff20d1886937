/** The tags that tests may have. */
export const TAGS = [
  { name: 'long', description: 'A long end: the short form of the same test is always run.' },
  { name: 'programs', description: 'Needs programs that a bare Debian lacks.' },
];
