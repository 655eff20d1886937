import type { PackageKind } from './kind.ts';

/** A formula, with a bottle for each platform. */
export const formula = {
  id: 'formula',
  label: 'formula',
  plural: 'Formulas',
  folder: 'bottles',
  index: 'formulas',
  key: 'formulas',
} as const satisfies PackageKind;
