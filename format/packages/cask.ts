import type { PackageKind } from './kind.ts';

/** A cask, with one file for every Mac or one for each architecture. */
export const cask = {
  id: 'cask',
  label: 'cask',
  plural: 'Casks',
  folder: 'casks',
  index: 'casks',
  key: 'casks',
} as const satisfies PackageKind;
