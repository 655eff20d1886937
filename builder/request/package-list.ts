import { MirrorError } from '../../format/errors.ts';
import { plainPackageName } from './names.ts';

/** What a name is made of, with its tap where that is written before it. */
const NAME = /^[A-Za-z0-9_][\w@+~,.=/-]*$/;

/** A name, and the line on which it is written. */
export interface WrittenName {
  name: string;
  line: number;
}

/**
 * Returns the names in a list: separated by blanks or line ends; `#` begins a comment that ends with its line. Throws
 * `bad-input` with the line of what cannot be a name: `where` may be another kind of file.
 */
export const parsePackageNames = (list: string, where: string): WrittenName[] =>
  list.split(/\r\n?|\n/).flatMap((line, index) =>
    line
      .replace(/#.*$/s, '')
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => {
        if (NAME.test(word)) return { name: plainPackageName('formula', word), line: index + 1 };
        const found = word.slice(0, 80);
        const message = `${where}:${index + 1}: ${JSON.stringify(found)} cannot be the name of a formula. A Brewfile is for --from-brewfile.`;
        throw new MirrorError('bad-input', message, { where, found });
      }),
  );
