import { cask } from './cask.ts';
import { formula } from './formula.ts';
import { linuxApp } from './linux-app.ts';

/** Every kind of package that a mirror can hold, in the order in which they are listed and shown. */
export const KINDS = [formula, cask, linuxApp] as const;

/** The `id` of a kind. */
export type KindId = (typeof KINDS)[number]['id'];
