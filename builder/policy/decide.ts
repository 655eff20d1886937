import type { Decision } from '../../format/policy.ts';
import { packageKey } from '../plan/closure.ts';
import { type Block, type Candidate, judge, type Rules, shownVersion, type Verdict } from './judge.ts';

/** Where a package comes from: the upstream, the mirror as it is, or it is left out. */
export type Source = 'upstream' | 'mirror' | 'out';

/** What deciding takes besides the rules. */
export interface Deciding {
  candidates: readonly Candidate[];
  /** Returns the keys of the packages that a version needs to be installed. */
  needs: (candidate: Candidate, side: 'upstream' | 'mirror') => readonly string[];
  /** Returns true for a package that stays as the mirror has it where the rules allow that. */
  stays: (candidate: Candidate) => boolean;
}

/** What a policy makes of packages. */
export interface Decided {
  sources: ReadonlyMap<string, Source>;
  /** About every candidate, also those that nothing needs in the end. */
  decisions: Decision[];
}

/** A candidate with its choices, the best first. */
interface Item {
  candidate: Candidate;
  choices: { side: 'upstream' | 'mirror'; verdict: Verdict; needs: readonly string[] }[];
  /** Which choice is the one now; after the last, the package is left out. */
  at: number;
  /** What kept the passed choices out, in order. */
  blocks: Block[];
}

/**
 * Chooses a version of each package: the best that no rule keeps out, and whose needs are not left out themselves. A rule that
 * leaves a package out so leaves out what needs it.
 */
export function decide(rules: Rules, deciding: Deciding): Decided {
  const items = new Map(deciding.candidates.map((item) => [packageKey(item), itemOf(rules, deciding, item)]));
  const dependents = dependentsOf(items);
  const queue = [...items.values()];
  for (let item = queue.pop(); item; item = queue.pop()) {
    const wasOut = isOut(item);
    settle(item, items);
    if (!wasOut && isOut(item)) queue.push(...(dependents.get(packageKey(item.candidate)) ?? []));
  }
  return {
    sources: new Map(
      [...items]
        .filter(([, { choices }]) => choices.length > 0)
        .map(([key, { choices, at }]) => [key, choices[at]?.side ?? 'out']),
    ),
    decisions: [...items.values()].flatMap(decisionsAbout),
  };
}

function itemOf(rules: Rules, { needs, stays }: Deciding, candidate: Candidate): Item {
  const sides = (stays(candidate) ? ['mirror', 'upstream'] : ['upstream', 'mirror']) as (
    | 'upstream'
    | 'mirror'
  )[];
  const choices = sides
    .filter((side) => candidate[side])
    .map((side) => ({ side, verdict: judge(rules, candidate, side), needs: needs(candidate, side) }));
  return { candidate, choices, at: 0, blocks: [] };
}

function dependentsOf(items: ReadonlyMap<string, Item>): Map<string, Item[]> {
  const dependents = new Map<string, Item[]>();
  for (const item of items.values()) {
    for (const key of new Set(item.choices.flatMap(({ needs }) => needs))) {
      const known = dependents.get(key) ?? [];
      known.push(item);
      dependents.set(key, known);
    }
  }
  return dependents;
}

/** A package of which there is no version to choose from is not left out by a rule. */
const isOut = ({ at, choices }: Item): boolean => at > 0 && at >= choices.length;

/** Goes on to the first choice that nothing keeps out now. */
function settle(item: Item, items: ReadonlyMap<string, Item>): void {
  for (let choice = item.choices[item.at]; choice; choice = item.choices[item.at]) {
    const block = choice.verdict.block ?? lackOf(choice.needs, items);
    if (!block) return;
    item.blocks.push(block);
    item.at += 1;
  }
}

/** Returns why a package cannot be installed: because of the first that it needs and that is left out. */
function lackOf(needs: readonly string[], items: ReadonlyMap<string, Item>): Block | undefined {
  for (const key of needs) {
    const item = items.get(key);
    const [first] = item?.blocks ?? [];
    if (!item || !first || !isOut(item)) continue;
    const { name } = item.candidate;
    const reason = first.needs === undefined ? first.reason : `it needs ${first.needs}`;
    return { rule: first.rule, reason: `it needs ${name}: ${reason}`, needs: name, ...untilOf(first) };
  }
  return undefined;
}

function decisionsAbout({ candidate, choices, at, blocks }: Item): Decision[] {
  const { kind, name } = candidate;
  const chosen = choices[at];
  const of = (version: string) => ({ kind, name, version: shownVersion(version) });
  const passed = chosen?.verdict.passed ?? [];
  const came = passed.map(
    (item): Decision => ({ ...of(candidate[chosen?.side ?? 'upstream']?.version ?? ''), ...item }),
  );
  const [first, second] = blocks;
  const version = candidate[choices[0]?.side ?? 'upstream']?.version ?? '';
  if (!first) return came;
  if (chosen?.side === 'mirror') return [{ ...of(version), outcome: 'held', ...first }, ...came];
  // The mirror's version was kept out, and the upstream's took its place.
  if (chosen) return came;
  const other = candidate[choices[1]?.side ?? 'mirror']?.version;
  const both = second && other !== version ? `; and ${shownVersion(other ?? '')}: ${second.reason}` : '';
  return [{ ...of(version), outcome: 'denied', ...first, reason: first.reason + both }];
}

const untilOf = ({ until }: Block): Pick<Block, 'until'> => (until === undefined ? {} : { until });
