/** Returns the keys of an older file about the deprecation of a formula or cask on a date, most of them null without one. */
export const deprecation = (date: string | null): object => ({
  deprecated: isPast(date),
  deprecation_date: date,
  deprecation_reason: reasonOf(date),
  deprecation_replacement_formula: null,
  deprecation_replacement_cask: null,
  deprecate_args: argumentsOf(date),
});

/** Returns those about its disabling. */
export const disabling = (date: string | null): object => ({
  disabled: isPast(date),
  disable_date: date,
  disable_reason: reasonOf(date),
  disable_replacement_formula: null,
  disable_replacement_cask: null,
  disable_args: argumentsOf(date),
});

const isPast = (date: string | null): boolean => date !== null && date < '2026';

const reasonOf = (date: string | null): string | null => (date === null ? null : 'unmaintained');

const argumentsOf = (date: string | null): object | null =>
  date === null ? null : { date, because: 'unmaintained' };
