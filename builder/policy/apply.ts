import { hasCode, MirrorError } from '../../format/errors.ts';
import { formula } from '../../format/packages/formula.ts';
import { byKind, KINDS, type KindId } from '../../format/packages/kinds.ts';
import type { Decision, Policy, PolicyDocument, Sighting } from '../../format/policy.ts';
import { readAdvisories } from '../database/vulnerabilities.ts';
import {
  closureOf,
  needs,
  type PackageGraph,
  type PackageName,
  packageKey,
  RUNTIME,
} from '../plan/closure.ts';
import { PORTABLE_RUBY } from '../plan/portable-ruby.ts';
import { freshNames, requestedOf } from '../plan/selection.ts';
import type { Asked } from '../request/request.ts';
import { licenseText } from '../upstream/homebrew/formula-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { KnownVulnerabilities } from './advisories.ts';
import { candidatesOf, type Known, type SeenCandidate } from './candidates.ts';
import { type Decided, decide, type Source } from './decide.ts';
import { type Block, judge, type Rules } from './judge.ts';
import { licenseCheck } from './licenses.ts';
import { isNamedIn, type NamedIndex, namedIn, namesOfPolicy, unknownNames } from './names.ts';

/** What applying a policy takes. */
export interface Applying extends Known {
  asked: Pick<Asked, 'named' | 'newest'>;
}

/** What a policy makes of a request. */
export interface AppliedPolicy {
  sourceOf(kind: KindId, name: string): Source | undefined;
  /** Returns why brew gets no copy of a version of a formula here; `undefined` if it does. */
  withheld(name: string, version: string): Block | undefined;
  /** Returns what policy.json says when these packages are in the mirror. */
  document(isHere: (item: PackageName) => boolean): PolicyDocument;
  /** Sentences about names that no package has. */
  warnings: string[];
}

/** Returns what holds where there is no policy. */
export const NO_POLICY: AppliedPolicy = {
  sourceOf: () => undefined,
  withheld: () => undefined,
  document: () => ({ decisions: [] }),
  warnings: [],
};

/**
 * Applies a policy to everything that a request may bring into a mirror. Throws `usage` where the upstream has no vulnerability
 * database and a rule needs one, or what the upstream throws.
 */
export async function applyPolicy(applying: Applying): Promise<AppliedPolicy> {
  const { policy } = applying.request;
  if (!policy) return NO_POLICY;
  const graph = unionOf(applying);
  const wanted = KINDS.flatMap((kind) => requestedOf(wishesOf(applying), kind));
  const { names } = closureOf(graph, wanted, applying.request);
  const packages = KINDS.flatMap(({ id }) => names[id].map((name) => ({ kind: id, name })));
  // brew runs on a Ruby that nobody asks for.
  const formulas = new Set([...names[formula.id], ...(applying.brew ? [PORTABLE_RUBY] : [])]);
  const rules: Rules = {
    ...{ policy, now: applying.now, isLicensed: licenseCheck(policy.licenses?.allow ?? []) },
    advisories: await advisoriesFor(applying.index, policy, formulas),
    named: namedIn(policy, indexesOf(applying)),
  };
  const candidates = await candidatesOf(applying, packages);
  const decided = decide(rules, {
    candidates,
    needs: (item, side) => neededBy(applying, graph, item, side).map(packageKey),
    stays: staysIn(applying),
  });
  return {
    sourceOf: sourcesOf(rules, decided),
    withheld: withholder(rules, candidates, applying.brew),
    document: (isHere) => documentOf(policy, decided, candidates, isHere),
    warnings: unknownNames(policy, await everyIndex(applying, policy)),
  };
}

/** What stays for another reason than a rule, or goes because upstream has it no more, is not for a policy to say. */
function sourcesOf({ named }: Rules, { sources, decisions }: Decided): AppliedPolicy['sourceOf'] {
  const held = new Set(decisions.filter(({ outcome }) => outcome === 'held').map(packageKey));
  return (kind, name) => {
    const key = packageKey({ kind, name });
    const source = sources.get(key) ?? (named.deny.has(name) ? 'out' : undefined);
    return source === 'mirror' && !held.has(key) && !named.hold.has(name) ? undefined : source;
  };
}

const wishesOf = ({ catalog, request, asked }: Applying) => ({ upstream: catalog, request, asked });

/** All that the upstream, the mirror and brew say that packages need: which of them is taken is not decided yet. */
function unionOf(applying: Applying): PackageGraph {
  const { catalog, own, brew } = applying;
  const inBrew = (kind: KindId) => (kind === formula.id ? brew?.packages : undefined);
  return {
    find: ({ kind, name }) =>
      catalog[kind]?.find(name) ?? own[kind]?.find(name) ?? inBrew(kind)?.formulas.find(name),
    dependencies: (item, types) => [
      ...new Set(
        (['upstream', 'mirror'] as const).flatMap((side) => dependenciesIn(applying, item, types, side)),
      ),
    ],
  };
}

function dependenciesIn(
  { catalog, own, brew }: Applying,
  { kind, name }: PackageName,
  types: readonly string[],
  side: 'upstream' | 'mirror',
): string[] {
  const index = (side === 'upstream' ? catalog : own)[kind];
  const known = side === 'upstream' ? name : (index?.find(name)?.name ?? name);
  const inBrew = kind === formula.id ? (brew?.packages.dependencies(name, types) ?? []) : [];
  return [...(index?.dependencies(known, types) ?? []), ...inBrew];
}

/** Returns what a version cannot be installed without. */
function neededBy(
  applying: Applying,
  graph: PackageGraph,
  item: PackageName,
  side: 'upstream' | 'mirror',
): PackageName[] {
  if (!applying.request.dependencies) return [];
  const dependencies = (of: PackageName, types: readonly string[]): string[] =>
    dependenciesIn(applying, of, types, side);
  return needs({ dependencies }, item, RUNTIME).flatMap((wanted) => {
    const found = graph.find(wanted);
    return found ? [{ kind: wanted.kind, name: found.name }] : [];
  });
}

function staysIn(applying: Applying): (item: PackageName) => boolean {
  if (applying.asked.newest === 'all' || !applying.carried?.describesAlike) return () => false;
  const names = freshNames(wishesOf(applying));
  const fresh = byKind(({ id }) => new Set(names[id]));
  return ({ kind, name }) => !fresh[kind].has(name);
}

async function advisoriesFor(
  index: Upstream,
  policy: Policy,
  formulas: ReadonlySet<string>,
): Promise<KnownVulnerabilities | undefined> {
  if (policy.vulnerabilities === undefined && policy.min_age === undefined) return undefined;
  try {
    return new KnownVulnerabilities(readAdvisories(await index.vulnerabilities(), formulas));
  } catch (cause) {
    if (!hasCode(cause, 'not-found')) throw cause;
    // Then no version is known to fix anything, and all of them wait.
    if (policy.vulnerabilities === undefined) return undefined;
    const message =
      'The rule vulnerabilities needs a vulnerability database, and this upstream has none. Take stout-index as the upstream, or leave the rule out.';
    throw new MirrorError('usage', message, { where: index.name, cause });
  }
}

/** Brew gets its versions from Homebrew's API, whose age is judged as a whole. */
function withholder(
  rules: Rules,
  candidates: readonly SeenCandidate[],
  brew: Applying['brew'],
): AppliedPolicy['withheld'] {
  const byKey = new Map(candidates.map((item) => [packageKey(item), item]));
  return (name, version) => {
    const { has } = byKey.get(packageKey({ kind: formula.id, name })) ?? {};
    const license = licenseText(brew?.packages.formulas.find(name)?.struct.license);
    const upstream = { version, license, changed: has !== undefined && has !== version };
    return judge(rules, { kind: formula.id, name, has, mirror: { version: has ?? '' }, upstream }, 'upstream')
      .block;
  };
}

/** Packages that nothing needs in the end are named only where a rule left them out. */
function documentOf(
  policy: Policy,
  { sources, decisions }: Decided,
  candidates: readonly SeenCandidate[],
  isHere: (item: PackageName) => boolean,
): PolicyDocument {
  const about = decisions.filter((item) => item.outcome === 'denied' || isHere(item));
  const sorted = about.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  if (policy.min_age === undefined) return { decisions: sorted };
  const waiting = candidates
    .flatMap(({ kind, name, sighting }) => (sighting ? [{ kind, name, sighting }] : []))
    .filter((item) => sources.get(packageKey(item)) !== 'upstream')
    .toSorted((a, b) => (packageKey(a) < packageKey(b) ? -1 : 1));
  const byName = (items: typeof waiting): Record<string, Sighting> =>
    Object.fromEntries(items.map(({ name, sighting }) => [name, sighting]));
  const kinds = Map.groupBy(waiting, ({ kind }) => kind);
  return {
    decisions: sorted,
    seen: Object.fromEntries([...kinds].map(([kind, items]) => [kind, byName(items)])),
  };
}

const orderOf = (item: Decision): string => `${packageKey(item)} ${item.rule}`;

const indexesOf = ({ catalog, own, brew }: Applying): NamedIndex[] =>
  [
    ...Object.values(catalog),
    ...Object.values(own),
    brew && { find: brew.packages.formulas.find, names: brew.packages.formulas.names },
  ].filter((index) => index !== undefined);

/** A name may be of a kind that nobody asks for. */
async function everyIndex(applying: Applying, policy: Policy): Promise<NamedIndex[]> {
  const opened = indexesOf(applying);
  if (namesOfPolicy(policy).every((name) => isNamedIn(name, opened))) return opened;
  const closed = KINDS.filter(({ id }) => !applying.catalog[id]);
  const others = await Promise.all(closed.map((kind) => applying.index.index(kind).catch(() => undefined)));
  return [...opened, ...others.filter((index) => index !== undefined)];
}
