import { withdrawnKey } from '../../format/manifest.ts';
import { byKind } from '../../format/packages/kinds.ts';
import type { AppliedPolicy } from '../policy/apply.ts';
import type { IsChosen, IsOnDemand, IsWithdrawn } from './brew.ts';
import type { PlanOptions } from './plan-options.ts';
import type { Catalog, Selection } from './selection.ts';

/** How a run treats packages. */
export interface Rules {
  /** True for a package that somebody wrote down. */
  isNamed: IsChosen;
  /** True for a package whose files are fetched again. */
  isForced: IsChosen;
  /** True for a version that was withdrawn, unless somebody insists on it by name. */
  isWithdrawn: IsWithdrawn;
  /** Says which rule keeps a version of a formula from brew. */
  withheld: AppliedPolicy['withheld'];
  /** True for a package of a mirror on demand whose files are not fetched now. */
  isOnDemand: IsOnDemand;
}

/** Returns what this run makes of a package of a kind. */
export function rulesOf(
  { asked, request }: PlanOptions,
  catalog: Catalog,
  policy: AppliedPolicy,
  { whole }: Selection,
): Rules {
  const names = byKind(
    ({ id }) => new Set(asked.named[id].map((name) => catalog[id]?.find(name)?.name ?? name)),
  );
  const isNamed: IsChosen = (kind, name) => names[kind].has(name);
  const isForced: IsChosen = (kind, name) =>
    asked.force === 'all' || (asked.force === 'named' && isNamed(kind, name));
  const withdrawn = new Set(request.withdrawn);
  const isWithdrawn: IsWithdrawn = (kind, name, version) =>
    withdrawn.has(withdrawnKey({ kind, name, version })) && !(isForced(kind, name) && isNamed(kind, name));
  const isOnDemand: IsOnDemand = (kind, name) =>
    request.on_demand === true && !whole[kind].has(name) && !isForced(kind, name);
  return { isNamed, isForced, isWithdrawn, withheld: policy.withheld, isOnDemand };
}
