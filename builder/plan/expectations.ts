import { MirrorError } from '../../format/errors.ts';
import { didYouMean, nearest } from '../../format/near-names.ts';
import type { PolicyDocument } from '../../format/policy.ts';
import { packagesOf } from './changes.ts';
import type { Plan } from './plan.ts';
import type { Selection } from './selection.ts';

/** As many packages as a message names. */
const MAX_REASONS = 20;

/** Throws `refused` where rules leave nothing of what is asked for. */
export function expectSomeLeft({ choices, brew }: Selection, { decisions }: PolicyDocument): void {
  const denied = decisions.filter(({ outcome }) => outcome === 'denied');
  const first = denied.find(({ needs }) => needs === undefined) ?? denied[0];
  if (!first || brew.length > 0 || choices.some(({ mirrored }) => mirrored)) return;
  const { rule, name, version, reason } = first;
  const message =
    `Nothing was changed: the policy would leave nothing of this mirror. The rule ${rule} keeps out ${name} ${version}: ` +
    `${reason}. Change the rule, or add a waiver with a date and a reason.`;
  throw new MirrorError('refused', message, { where: name, found: rule });
}

/** Returns a plan. Throws `refused` if everything in it was left out: nobody asks for a mirror of nothing. */
export function expectPackagesIn(plan: Plan): Plan {
  const left = [...plan.skipped, ...plan.failed];
  if (packagesOf(plan).length > 0 || plan.images?.length || left.length === 0) return plan;
  const shown = left.slice(0, MAX_REASONS).map(({ name, reason }) => `${name}: ${reason}`);
  if (left.length > shown.length) shown.push(`… and ${left.length - shown.length} more`);
  const message = 'Nothing was changed: nothing of what was asked for can be mirrored.';
  throw new MirrorError('refused', [message, ...shown].join('\n  '), { where: left[0]?.name });
}

/** Throws `unknown-package` if this run names a package as whole that the mirror will not have. */
export function expectWhole({ choices, notWhole }: Selection, asked: readonly string[]): void {
  const found = asked.find((name) => notWhole.includes(name));
  if (found === undefined) return;
  const near = nearest(
    found,
    choices.filter(({ mirrored }) => mirrored).map(({ name }) => name),
  );
  const message = `${JSON.stringify(found)} cannot be whole: it is not among the packages of this mirror.`;
  throw new MirrorError('unknown-package', message + didYouMean(near), { found });
}
