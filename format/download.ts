import { kindOfFile } from './layout.ts';
import { ARCHITECTURES } from './packages/cask-architecture.ts';

/** What a package file is of, as far as its name says. */
export interface Download {
  /** The package. */
  name: string;
  /** The tag of a bottle, such as `arm64_sonoma`, or the architecture of a cask; empty where there is one file for all. */
  platform: string;
}

/** `<name>-<version>`: most versions begin with a digit; of the others, such as x264's `r3108`, few have a dash. */
const NUMBERED = /^(.+?)-\d/;
const OTHER = /^(.+)-/;
const BOTTLE_TAG = /\.([^.]+)\.bottle\./;
const ARCHITECTURE = new RegExp(`\\.(${ARCHITECTURES.join('|')})(?:\\.|$)`);

/**
 * Returns the package and the platform of a package file; `undefined` for any other path. Names of files do not mark where a
 * version begins, so that a rare name, such as one with `-3` in it, is cut short.
 */
export function downloadOf(path: string): Download | undefined {
  const kind = kindOfFile(path);
  if (!kind) return undefined;
  const file = path.slice(kind.folder.length + 1);
  const name = (NUMBERED.exec(file) ?? OTHER.exec(file))?.[1] ?? file;
  const platform = (kind.folder === 'bottles' ? BOTTLE_TAG : ARCHITECTURE).exec(file)?.[1] ?? '';
  return { name, platform };
}
