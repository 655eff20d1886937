import pMap from 'p-map';
import { formula } from '../../format/packages/formula.ts';
import type { PolicyDocument } from '../../format/policy.ts';
import { applyPolicy } from '../policy/apply.ts';
import { describedOnce } from '../upstream/described-once.ts';
import { BottleNames } from './brew.ts';
import { type PackageName, packageKey } from './closure.ts';
import { expectPackagesIn, expectSomeLeft, expectWhole } from './expectations.ts';
import { planForBrew } from './for-brew.ts';
import { openCatalog } from './open-catalog.ts';
import { withUpstreamNames } from './other-names.ts';
import type { Plan, Remark } from './plan.ts';
import type { PlanOptions } from './plan-options.ts';
import { type Outcome, type Planning, planPackage } from './plan-package.ts';
import { rulesOf } from './rules.ts';
import { type Catalog, type Choice, type Selection, selectPackages } from './selection.ts';
import { unknownError } from './unknown.ts';

const METADATA_REQUESTS = 16;

/**
 * Decides what a mirror contains. Downloads the descriptions of packages that are new or changed, nothing else.
 * Throws `unknown-package`, `refused` if nothing of what was asked for can be mirrored, or what the upstream throws.
 */
export async function makePlan(given: PlanOptions): Promise<Plan> {
  const options = given.request.policy ? { ...given, index: describedOnce(given.index) } : given;
  const { request, asked, brew, carried } = options;
  const { catalog, unknown } = await openCatalog(options);
  const own = withUpstreamNames(carried?.catalog() ?? {}, catalog);
  const now = Math.floor(options.now.getTime() / 1000);
  const policy = await applyPolicy({ ...options, catalog, own, now });
  const selection = selectPackages({
    ...{ upstream: catalog, mirror: own, describesAlike: carried?.describesAlike ?? false, request, asked },
    ...{ sourceOf: policy.sourceOf },
    brew: brew && { find: brew.packages.formulas.find, dependencies: brew.packages.dependencies },
  });
  const decided = policy.document(isAmong(selection, catalog));
  expectSomeLeft(selection, decided);
  expectWhole(selection, asked.request.whole ?? []);
  const rules = rulesOf(options, catalog, policy, selection);
  const forBrew = brew && (await planForBrew(brew, selection.brew, options, rules));
  const bottleNames = new BottleNames(forBrew?.images, request.policy?.min_age !== undefined);
  const outcomes = await planAll({ ...options, ...rules, catalog, bottleNames }, selection.choices);
  if (unknown.length > 0 && !selection.choices.some(({ mirrored }) => mirrored)) throw unknownError(unknown);
  const reported = new Set(unknown.map(({ name }) => name));
  return expectPackagesIn({
    fresh: outcomes.flatMap(({ fresh }) => fresh ?? []),
    carried: outcomes.flatMap(({ carried: stays }) => stays ?? []),
    images: forBrew?.images,
    neededBy: selection.neededBy,
    skipped: [
      ...(forBrew?.skipped ?? []),
      ...missingIn(selection, decided)
        .filter(({ name }) => !reported.has(name))
        .map(missingRemark),
      ...remarks(outcomes, 'skipped'),
    ],
    failed: [
      ...unknown.map(({ name, reason }) => ({ name, reason })),
      ...(forBrew?.failed ?? []),
      ...remarks(outcomes, 'failed'),
    ],
    kept: outcomes.flatMap(({ name, kept }) => (kept ? name : [])),
    policy: decided,
    warnings: policy.warnings,
  });
}

/** Returns true for a package that a selection has, by its name upstream. */
function isAmong({ choices, brew }: Selection, catalog: Catalog): (item: PackageName) => boolean {
  const names = new Set([
    ...choices
      .filter(({ mirrored }) => mirrored)
      .map(({ kind, name }) => `${kind.id} ${catalog[kind.id]?.find(name)?.name ?? name}`),
    ...brew.map((name) => `${formula.id} ${name}`),
  ]);
  return ({ kind, name }) => names.has(`${kind} ${name}`);
}

/** A package that a rule left out is not missing. */
function missingIn({ missing }: Selection, { decisions }: PolicyDocument): Selection['missing'] {
  const denied = new Set(decisions.filter(({ outcome }) => outcome === 'denied').map(packageKey));
  return missing.filter((item) => !denied.has(packageKey(item)));
}

async function planAll(
  planning: Planning,
  choices: readonly Choice[],
): Promise<(Outcome & { name: string })[]> {
  let done = 0;
  const planOne = async (choice: Choice): Promise<Outcome & { name: string }> => {
    const outcome = await planPackage(planning, choice);
    done += 1;
    planning.onProgress(done, choices.length);
    return { ...outcome, name: choice.name };
  };
  return pMap(choices, planOne, { concurrency: METADATA_REQUESTS });
}

const missingRemark = ({ name, neededBy }: { name: string; neededBy: string | undefined }): Remark => ({
  name,
  reason: neededBy === undefined ? 'not available upstream' : `needed by ${neededBy}, unknown upstream`,
});

const remarks = (outcomes: readonly (Outcome & { name: string })[], key: 'skipped' | 'failed'): Remark[] =>
  outcomes.flatMap(({ name, [key]: reasons = [] }) => [reasons].flat().map((reason) => ({ name, reason })));
