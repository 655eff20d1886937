/** A fenced block of a page: ```` ```sh <note> ````. */
export interface Block {
  /** Of its first line in the page. */
  line: number;
  language: string;
  /** The text after the language, which no page shows. */
  note: string;
  text: string;
}

/** The fenced blocks of a page, in order; and as `sh given` what a comment says that its reader has done before. */
export function blocksOf(page: string): Block[] {
  const blocks = page.matchAll(/^```(\w*)[ \t]*(.*)\n([\s\S]*?)^```[ \t]*$|^<!-- given\n([\s\S]*?)^-->$/gm);
  return [...blocks].map(({ index, 1: language = 'sh', 2: note = 'given', 3: text, 4: given = '' }) => ({
    line: page.slice(0, index).split('\n').length + 1,
    language,
    note,
    text: text ?? given,
  }));
}

const withoutBlocks = (page: string): string => page.replaceAll(/^```[\s\S]*?^```[ \t]*$/gm, '');

/** What a page links to and shows, but for the web. */
export function linksOf(page: string): string[] {
  const links = withoutBlocks(page).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g);
  return [...links]
    .map(([, link, source]) => link ?? source ?? '')
    .filter((to) => !/^(?:https?:|mailto:)/.test(to));
}

/** The `#…` of its headings, as GitHub makes them. */
export function anchorsOf(page: string): string[] {
  return [...withoutBlocks(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Returns the options between backquotes in the text, `--like-this`. */
export const optionsIn = (page: string): string[] =>
  [...withoutBlocks(page).matchAll(/`[^`]*`/g)].flatMap(
    ([code]) => code.match(/(?<![\w-])--[a-z][a-z-]+/g) ?? [],
  );

/** Verbs and options of stout-mirror in a shell script: of each call its verb, and the long options up to its end. */
export function callsIn(script: string): { verb: string; options: string[] }[] {
  const lines = script.replaceAll(/\\\n/g, ' ').split('\n');
  return lines
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => [...line.matchAll(/(?:^|[\s(])stout-mirror ([a-z-]+)([^|;&)]*)/g)])
    .map(([, verb = '', rest = '']) => ({ verb, options: rest.match(/(?<=\s)--[a-z][a-z-]+/g) ?? [] }));
}
