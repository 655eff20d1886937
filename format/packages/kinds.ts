import { cask } from './cask.ts';
import { formula } from './formula.ts';
import type { PackageKind } from './kind.ts';
import { linuxApp } from './linux-app.ts';

const ALL = [formula, cask, linuxApp] as const;

type Literal<Key extends 'id' | 'key' | 'index' | 'request'> = (typeof ALL)[number][Key];

/** The `id` of a kind. */
export type KindId = Literal<'id'>;

/** A kind of package, whichever it is. */
export type Kind = PackageKind & {
  [Key in 'id' | 'key' | 'index' | 'request']: Literal<Key>;
};

/** Every kind of package that a mirror can hold, in the order in which they are listed and shown. */
export const KINDS: readonly Kind[] = ALL;

/** One value for each kind. */
export type ByKind<T> = Record<KindId, T>;

/** Makes one value for each kind. */
export const byKind = <T>(make: (kind: Kind) => T): ByKind<T> =>
  Object.fromEntries(KINDS.map((kind) => [kind.id, make(kind)])) as ByKind<T>;
