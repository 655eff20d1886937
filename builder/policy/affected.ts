import { compareVersions } from './versions.ts';

/** Whether an advisory is about a version. `unclear` where its data cannot be read: a rule counts that as affected. */
export type Affected = 'yes' | 'no' | 'unclear';

/** What stout-index says of the versions that an advisory is about. */
export interface AffectedVersions {
  /** Versions (`1.6, 1.7`), of which stout-index names five at most, or ranges (`>=8.6.0, <8.9.0; >=9.0, <9.1`). */
  affected_versions: string | null;
  fixed_version: string | null;
}

/** stout-index cuts a list of versions here. */
const LISTED = 5;
/** Far longer than the ranges of any advisory; what is longer cannot be read. */
const MAX_LENGTH = 10_000;
const OPERATOR = /^(>=|<=|>|<|=)?(.*)$/s;

/**
 * Returns whether a version of a formula is affected. A range decides where there is one; otherwise the fixed version does, as
 * in stout; otherwise the list of versions, unless it may have been cut.
 */
export function isAffected(
  version: string,
  { affected_versions, fixed_version }: AffectedVersions,
): Affected {
  const own = plainVersion(version.replace(/_\d+$/, ''));
  const fixed = plainVersion(fixed_version ?? '');
  const text = affected_versions?.trim() ?? '';
  if (own === undefined || text.length > MAX_LENGTH) return 'unclear';
  if (/[<>=]/.test(text)) return inRanges(own, text, fixed);
  const listed = text === '' ? [] : text.split(/[,;]/).map((item) => plainVersion(item.trim()));
  if (listed.some((item) => item !== undefined && compareVersions(own, item) === 0)) return 'yes';
  if (fixed !== undefined) return compareVersions(own, fixed) < 0 ? 'yes' : 'no';
  const isWhole = listed.length > 0 && listed.length < LISTED && !listed.includes(undefined);
  return isWhole ? 'no' : 'unclear';
}

/** Returns whether a version is affected by one of the rows of an advisory about its formula. */
export const isAffectedByAny = (version: string, rows: readonly AffectedVersions[]): Affected =>
  worstOf(rows.map((row) => isAffected(version, row)));

const inRanges = (own: string, text: string, fixed: string | undefined): Affected =>
  worstOf(text.split(';').map((range) => inRange(own, range, fixed)));

const worstOf = (found: readonly Affected[]): Affected =>
  found.find((result) => result === 'yes') ?? found.find((result) => result === 'unclear') ?? 'no';

/** A range without an upper bound ends at the fixed version. */
function inRange(own: string, range: string, fixed: string | undefined): Affected {
  const bounds = range.split(',').filter((bound) => bound.trim() !== '');
  const isOpen = !/[<=]/.test(range.replaceAll('>=', '>'));
  if (isOpen && fixed !== undefined) bounds.push(`<${fixed}`);
  const found = bounds.map((bound) => within(own, bound.trim()));
  if (found.includes(undefined) || found.length === 0) return 'unclear';
  return found.every((is) => is) ? 'yes' : 'no';
}

/** Returns true for a version that a bound admits; `undefined` where the bound cannot be read. */
function within(own: string, bound: string): boolean | undefined {
  const [, operator = '=', text = ''] = OPERATOR.exec(bound) ?? [];
  const version = plainVersion(text.trim());
  if (version === undefined) return undefined;
  const order = compareVersions(own, version);
  if (operator === '=') return order === 0;
  return (operator.includes('=') && order === 0) || (operator.startsWith('<') ? order < 0 : order > 0);
}

/** Returns a version without what tags put around it (`v1.2`, `curl-8_6_0`); `undefined` for a commit or anything else. */
function plainVersion(text: string): string | undefined {
  if (text.length > 100 || /^[0-9a-f]{20,}$/.test(text)) return undefined;
  const [, version] = /^[a-z+_-]*?(\d[\w.+~:-]*)$/i.exec(text) ?? [];
  return version !== undefined && /^\d+(?:_\d+)+$/.test(version) ? version.replaceAll('_', '.') : version;
}
