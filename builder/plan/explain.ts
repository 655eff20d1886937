import type { Manifest } from '../../format/manifest.ts';
import { nearest } from '../../format/near-names.ts';
import { cask } from '../../format/packages/cask.ts';
import { formula } from '../../format/packages/formula.ts';
import { KINDS, type Kind, type KindId } from '../../format/packages/kinds.ts';
import type { Decision } from '../../format/policy.ts';
import type { KindIndex } from '../database/kind-index.ts';
import { plainPackageName } from '../request/names.ts';
import { type AskedPackages, askedFor } from './asked-for.ts';
import {
  type Closure,
  closureOf,
  DEVELOPMENT,
  needs,
  type PackageGraph,
  type PackageName,
  packageKey,
  RUNTIME,
} from './closure.ts';
import type { Answer, Explanation, Reason, Step } from './explanation.ts';
import { PORTABLE_RUBY } from './portable-ruby.ts';
import type { Catalog } from './selection.ts';

/** What is known of a mirror. */
export interface MirrorFacts {
  manifest: Manifest;
  /** Of the packages that are in the mirror with their files, by {@link packageKey}. */
  versions: ReadonlyMap<string, string>;
  decisions: readonly Decision[];
  /** The packages that are in the mirror with their files. */
  catalog: Catalog;
  /** Returns everything of a kind that the index lists. */
  indexOf: (kind: Kind) => KindIndex | undefined;
  /** Formulas that are there for brew. */
  forBrew: ReadonlySet<string>;
  /** What Homebrew's API in the mirror says of packages; absent where that was not read. */
  homebrew?:
    | {
        dependencies(name: string, types: readonly string[]): string[];
        formulas: { nameOf(text: string): string | undefined };
        casks: { nameOf(text: string): string | undefined };
      }
    | undefined;
}

/** Explains a name: why the mirror has the packages of that name, or why it does not. */
export function explain(name: string, facts: MirrorFacts): Answer {
  const graph = graphOf(facts);
  const names = (kind: KindId): string[] => facts.catalog[kind]?.names() ?? [];
  const asked = askedFor(facts.manifest.request, { find: graph.find, names });
  const roots = [...asked.values()].map(({ item }) => item);
  const closure = closureOf(graph, roots, facts.manifest.request);
  const packages = KINDS.flatMap(({ id: kind }) => {
    const plain = plainPackageName(kind, name);
    const item = { kind, name: graph.find({ kind, name: plain })?.name ?? plain };
    return explanationOf(item, { ...facts, graph, asked, closure }) ?? [];
  });
  const known = KINDS.flatMap(({ id }) => names(id));
  return {
    ...{ name, in_mirror: packages.some(({ in_mirror }) => in_mirror), packages },
    near: packages.length > 0 ? [] : nearest(name, [...new Set(known)]),
  };
}

interface Explaining extends MirrorFacts {
  graph: PackageGraph;
  asked: AskedPackages;
  closure: Closure;
}

/** Returns the packages of the mirror and what they need; those for brew by Homebrew's API, if that was read. */
function graphOf({ catalog, forBrew, homebrew }: MirrorFacts): PackageGraph {
  const names = { [formula.id]: homebrew?.formulas, [cask.id]: homebrew?.casks };
  const find: PackageGraph['find'] = ({ kind, name }) => {
    const found = catalog[kind]?.find(name);
    if (found) return found;
    const own = (kind in names ? names[kind as keyof typeof names]?.nameOf(name) : undefined) ?? name;
    const isForBrew = kind === formula.id && forBrew.has(own);
    return catalog[kind]?.find(own) ?? (isForBrew ? { name: own } : undefined);
  };
  const dependencies: PackageGraph['dependencies'] = ({ kind, name }, types) => [
    ...(catalog[kind]?.dependencies(name, types) ?? []),
    ...(kind === formula.id ? (homebrew?.dependencies(name, types) ?? []) : []),
  ];
  return { find, dependencies };
}

/** Returns why a package is in the mirror or not; `undefined` if nothing in the mirror knows of it. */
function explanationOf(item: PackageName, facts: Explaining): Explanation | undefined {
  const { manifest, versions, asked, forBrew } = facts;
  const { kind, name } = item;
  const version = versions.get(packageKey(item));
  const isForBrew = kind === formula.id && forBrew.has(name);
  const in_mirror = version !== undefined || isForBrew;
  const how = asked.get(packageKey(item))?.how;
  const isListed = KINDS.some((one) => one.id === kind && facts.indexOf(one)?.find(name));
  const decisions = facts.decisions.filter((one) => one.kind === kind && one.name === name);
  const withdrawn = (manifest.request.withdrawn ?? []).flatMap((key) => {
    const prefix = `${packageKey(item)} `;
    return key.startsWith(prefix) ? key.slice(prefix.length) : [];
  });
  if (!in_mirror && !isListed && !how && decisions.length + withdrawn.length === 0) return undefined;
  return {
    ...{ kind, name, in_mirror, ...(version === undefined ? {} : { version }) },
    ...(how ? { asked_for: how } : {}),
    ...(in_mirror ? wayTo(item, facts) : { needed_by: [], other_dependents: 0 }),
    ...{ brews_ruby: isForBrew && name === PORTABLE_RUBY, listed_only: !in_mirror && isListed },
    ...{ decisions, withdrawn },
  };
}

type Way = Pick<Explanation, 'needed_by' | 'root_asked_for' | 'other_dependents'>;

/** Returns the shortest way to a package from something that was asked for, and how many others need it. */
function wayTo(item: PackageName, facts: Explaining): Way {
  const { asked, closure } = facts;
  const way: Step[] = [];
  let next = item;
  for (let by = closure.neededBy.get(packageKey(next)); by; by = closure.neededBy.get(packageKey(next))) {
    way.unshift({ ...by, reason: reasonFor(by, next, facts) });
    next = by;
  }
  const last = way.at(-1);
  const others = dependentsOf(item, facts).filter((by) => !last || packageKey(by) !== packageKey(last));
  const root = way[0] && asked.get(packageKey(way[0]))?.how;
  return {
    needed_by: way,
    ...(root ? { root_asked_for: root } : {}),
    other_dependents: others.length,
  };
}

/** Returns why one package brings another along; the graph says that it does. */
function reasonFor(by: PackageName, wanted: PackageName, { graph, asked }: Explaining): Reason {
  if (by.kind === cask.id) return 'requirement';
  const types = [RUNTIME, ...(asked.has(packageKey(by)) ? [DEVELOPMENT] : [])]
    .flatMap((reasons) => reasons[by.kind] ?? [])
    .flatMap((reason) => reason.types);
  const isWhy = (type: string): boolean =>
    needs(graph, by, { [by.kind]: [{ kind: wanted.kind, types: [type] }] }).some(
      (one) => graph.find(one)?.name === wanted.name,
    );
  return (types.find(isWhy) ?? 'runtime') as Reason;
}

/** Returns the packages of the mirror that need another one. */
function dependentsOf(wanted: PackageName, { graph, asked, closure, manifest }: Explaining): PackageName[] {
  const { dependencies, dev_dependencies } = manifest.request;
  if (!dependencies) return [];
  // Most names are of other packages; each is looked up once.
  const means = new Map<string, boolean>();
  const isWanted = (one: PackageName): boolean => {
    if (one.kind !== wanted.kind) return false;
    const known = means.get(one.name) ?? graph.find(one)?.name === wanted.name;
    means.set(one.name, known);
    return known;
  };
  const needsIt = (by: PackageName): boolean =>
    needs(graph, by, RUNTIME).some(isWanted) ||
    (dev_dependencies && asked.has(packageKey(by)) && needs(graph, by, DEVELOPMENT).some(isWanted));
  const all = KINDS.flatMap(({ id: kind }) => closure.names[kind].map((name) => ({ kind, name })));
  return all.filter((by) => packageKey(by) !== packageKey(wanted) && needsIt(by));
}
