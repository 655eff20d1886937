import { formula } from '../../format/packages/formula.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { type IsWithdrawn, planBrew, versionOf } from './brew.ts';
import type { BrewImage, Plan, Remark } from './plan.ts';
import type { PlanOptions } from './plan-options.ts';
import { PORTABLE_RUBY, planOlderRubies } from './portable-ruby.ts';
import type { Rules } from './rules.ts';

/** Plans the bottles for brew, and the Ruby that brew runs on: the newest, and those that were asked for. */
export async function planForBrew(
  api: HomebrewApi,
  names: readonly string[],
  { request, asked, keepGoing }: PlanOptions,
  rules: Rules,
): Promise<Pick<Plan, 'skipped' | 'failed'> & { images: BrewImage[] }> {
  const { tags } = request;
  const all = api.packages.formulas.find(PORTABLE_RUBY) ? new Set([...names, PORTABLE_RUBY]) : names;
  const isKeptOut: IsWithdrawn = (kind, name, version) =>
    rules.isWithdrawn(kind, name, version) || rules.withheld(name, version) !== undefined;
  const newest = planBrew(api, [...all], tags, { ...rules, isWithdrawn: isKeptOut });
  const versions = request.portable_ruby.filter((version) => !isKeptOut(formula.id, PORTABLE_RUBY, version));
  const { portable_ruby: named = [] } = asked.request;
  const isOnDemand = rules.isOnDemand(formula.id, PORTABLE_RUBY);
  const older = await planOlderRubies(api, { versions, named, tags, keepGoing, isOnDemand });
  const known = new Set(newest.images.map(({ path }) => path));
  return {
    images: [...newest.images, ...older.images.filter(({ path }) => !known.has(path))],
    skipped: [...withheldRemarks(api, [...all], tags, rules), ...newest.skipped, ...older.skipped],
    failed: older.failed,
  };
}

/** Returns what brew gets no copy of here, and which rule is the reason. */
function withheldRemarks(
  { packages }: HomebrewApi,
  names: readonly string[],
  tags: readonly string[],
  { withheld }: Pick<Rules, 'withheld'>,
): Remark[] {
  return names.flatMap((name) => {
    const bottles = packages.formulas.find(name)?.bottles;
    const offered = tags.flatMap((tag) => bottles?.get(tag) ?? []);
    const versions = new Set(offered.map(versionOf));
    return [...versions].flatMap((version) => {
      const block = withheld(name, version);
      return block
        ? {
            name,
            reason: `no copy of ${version.slice(0, 100)} for brew, by the rule ${block.rule}: ${block.reason}`,
          }
        : [];
    });
  });
}
