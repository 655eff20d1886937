import type { MirrorRequest } from '../../format/manifest.ts';
import { formula } from '../../format/packages/formula.ts';
import { type ByKind, byKind, KINDS, type Kind, type KindId } from '../../format/packages/kinds.ts';
import type { KindIndex } from '../database/kind-index.ts';
import type { Source } from '../policy/decide.ts';
import { plainPackageName } from '../request/names.ts';
import type { Asked } from '../request/request.ts';
import { type Closure, closureOf, type PackageGraph, type PackageName } from './closure.ts';

/** The indexes of an upstream or a mirror; kinds that nobody asks for may be absent. */
export type Catalog = { [Id in KindId]?: KindIndex | undefined };

/** A package to mirror, and whether it comes from the upstream or stays as the mirror has it. */
export interface Choice {
  kind: Kind;
  name: string;
  from: 'upstream' | 'mirror';
  /** False for a package that is only listed, without files. */
  mirrored: boolean;
  /** True where a rule keeps the package as the mirror has it: nothing may take its place. */
  held?: boolean;
}

export interface Selection {
  choices: Choice[];
  /** Canonical names of the formulas that brew gets. */
  brew: string[];
  missing: Closure['missing'];
  neededBy: Closure['neededBy'];
  /** Of a mirror on demand: the packages whose files are fetched all the same, by kind. */
  whole: ByKind<ReadonlySet<string>>;
  /** Names of `request.whole` that are not among the packages of the mirror. */
  notWhole: string[];
}

/** What Homebrew's API knows of formulas. */
interface BrewFormulas {
  find(name: string): { name: string } | undefined;
  dependencies(name: string, types: readonly string[]): string[];
}

/** What a selection is made from. */
export interface SelectionInput {
  upstream: Catalog;
  /** The packages that the mirror has with their files; absent when none of them can stay. */
  mirror: Catalog | undefined;
  /** False where they would be described differently now: only those that a policy holds stay. */
  describesAlike: boolean;
  /** Homebrew's own formulas, where brew is a client: brew decides by them what it needs. */
  brew: BrewFormulas | undefined;
  request: MirrorRequest;
  asked: Pick<Asked, 'named' | 'newest'>;
  /** Returns where a policy takes a package from; `undefined` where it decides nothing. */
  sourceOf: (kind: KindId, name: string) => Source | undefined;
}

/** What is asked for, and where it may come from. */
export type Wishes = Pick<SelectionInput, 'upstream' | 'request' | 'asked'>;

type Choose = (name: string) => Choice | undefined;

/** Decides which packages a mirror has, and which of them stay as they are. */
export function selectPackages(input: SelectionInput): Selection {
  const fresh = freshNames(input);
  const choose = byKind((kind) => chooserFor(input, kind, new Set(fresh[kind.id])));
  const wanted = KINDS.flatMap((kind) => requestedOf(input, kind));
  const graph = graphOf(input, choose);
  const { names, ...rest } = closureOf(graph, wanted, input.request);
  const choices = KINDS.flatMap((kind) => {
    const chosen = new Map(
      names[kind.id].flatMap((name) => choose[kind.id](name) ?? []).map((choice) => [choice.name, choice]),
    );
    return [...chosen.values(), ...listedOnly(input, kind, chosen)];
  });
  return {
    ...{ choices, brew: input.brew ? names[formula.id] : [], ...rest },
    ...wholeOf(graph, names, input.request),
  };
}

/** Returns the packages that `request.whole` names, and what they need. A name is of the first kind that has such a package. */
function wholeOf(
  graph: PackageGraph,
  names: ByKind<string[]>,
  request: MirrorRequest,
): Pick<Selection, 'whole' | 'notWhole'> {
  const known = byKind(({ id }) => new Set(names[id]));
  const find = (name: string): PackageName | undefined =>
    KINDS.map(({ id }): PackageName => {
      const plain = plainPackageName(id, name);
      return { kind: id, name: graph.find({ kind: id, name: plain })?.name ?? plain };
    }).find((item) => known[item.kind].has(item.name));
  const named = (request.whole ?? []).map((name) => ({ name, found: find(name) }));
  const whole = closureOf(
    graph,
    named.flatMap(({ found }) => found ?? []),
    request,
  ).names;
  return {
    whole: byKind(({ id }) => new Set(whole[id])),
    notWhole: named.flatMap(({ name, found }) => (found ? [] : name)),
  };
}

/** Returns the requested packages of a kind: those of `--all`, and those that were named. */
export function requestedOf({ upstream, request }: Wishes, kind: Kind): PackageName[] {
  const all = request.all && kind.inAll ? (upstream[kind.id]?.names() ?? []) : [];
  return namesOf(kind.id, new Set([...all, ...request[kind.request]]));
}

const namesOf = (kind: KindId, names: Iterable<string>): PackageName[] =>
  [...names].map((name) => ({ kind, name }));

/** A package that stays as it is needs what it needed then; a formula for brew also needs what Homebrew says. */
function graphOf({ upstream, mirror, brew, sourceOf }: SelectionInput, choose: ByKind<Choose>): PackageGraph {
  const forBrew = (wanted: string): { name: string } | undefined => {
    const found = brew?.find(wanted);
    return found && sourceOf(formula.id, found.name) !== 'out' ? found : undefined;
  };
  return {
    find: ({ kind, name }) => choose[kind](name) ?? (kind === formula.id ? forBrew(name) : undefined),
    dependencies: ({ kind, name }, types) => {
      const index = (choose[kind](name)?.from === 'mirror' && mirror ? mirror : upstream)[kind];
      const inBrew = kind === formula.id ? (brew?.dependencies(name, types) ?? []) : [];
      return [...(index?.dependencies(name, types) ?? []), ...inBrew];
    },
  };
}

/** Returns the function that chooses a package of a kind: the upstream's newest, or what the mirror has. */
function chooserFor(
  { upstream, mirror, describesAlike, asked, sourceOf }: SelectionInput,
  kind: Kind,
  fresh: Set<string>,
): Choose {
  return (name) => {
    const there = upstream[kind.id]?.find(name)?.name;
    // Only the upstream may know that a package has another name now.
    const here = (mirror?.[kind.id]?.find(there ?? name) ?? mirror?.[kind.id]?.find(name))?.name;
    const source = sourceOf(kind.id, there ?? here ?? name);
    if (source === 'out') return undefined;
    if (source === 'mirror' && here !== undefined)
      return { kind, name: here, from: 'mirror', mirrored: true, held: true };
    const isNew = source === 'upstream' || here === undefined || !describesAlike;
    if (there !== undefined && (isNew || asked.newest === 'all' || fresh.has(there))) {
      return { kind, name: there, from: 'upstream', mirrored: true };
    }
    return here === undefined || !describesAlike
      ? undefined
      : { kind, name: here, from: 'mirror', mirrored: true };
  };
}

/** Returns the named packages, and what they need; nothing where all packages are made new anyway. */
export function freshNames({ upstream, request, asked }: Wishes): ByKind<readonly string[]> {
  if (asked.newest === 'all') return byKind(() => []);
  const graph: PackageGraph = {
    find: ({ kind, name }) => upstream[kind]?.find(name),
    dependencies: ({ kind, name }, types) => upstream[kind]?.dependencies(name, types) ?? [],
  };
  const named = KINDS.flatMap(({ id }) => namesOf(id, asked.named[id]));
  return closureOf(graph, named, request).names;
}

/** Returns the packages that a full index lists besides those that were chosen. */
function listedOnly(
  { upstream, request, sourceOf }: SelectionInput,
  kind: Kind,
  chosen: ReadonlyMap<string, Choice>,
): Choice[] {
  const names = request.full_index && kind.inAll ? (upstream[kind.id]?.names() ?? []) : [];
  const taken = new Set([...chosen.keys()].map((name) => upstream[kind.id]?.find(name)?.name ?? name));
  const rest = names.filter((name) => !taken.has(name) && sourceOf(kind.id, name) !== 'out').sort();
  return rest.map((name) => ({ kind, name, from: 'upstream', mirrored: false }));
}
