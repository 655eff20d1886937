import type { MirrorRequest } from '../../format/manifest.ts';
import { formula } from '../../format/packages/formula.ts';
import { type ByKind, byKind, KINDS, type Kind, type KindId } from '../../format/packages/kinds.ts';
import type { KindIndex } from '../database/kind-index.ts';
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
}

export interface Selection {
  choices: Choice[];
  /** Canonical names of the formulas that brew gets. */
  brew: string[];
  missing: Closure['missing'];
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
  /** Homebrew's own formulas, where brew is a client: brew decides by them what it needs. */
  brew: BrewFormulas | undefined;
  request: MirrorRequest;
  asked: Pick<Asked, 'named' | 'newest'>;
}

type Choose = (name: string) => Choice | undefined;

/** Decides which packages a mirror has, and which of them stay as they are. */
export function selectPackages(input: SelectionInput): Selection {
  const fresh = freshNames(input);
  const choose = byKind((kind) => chooserFor(input, kind, new Set(fresh[kind.id])));
  const wanted = KINDS.flatMap((kind) => requested(input, kind));
  const { names, missing } = closureOf(graphOf(input, choose), wanted, input.request);
  const choices = KINDS.flatMap((kind) => {
    const chosen = new Map(
      names[kind.id].flatMap((name) => choose[kind.id](name) ?? []).map((choice) => [choice.name, choice]),
    );
    return [...chosen.values(), ...listedOnly(input, kind, chosen)];
  });
  return { choices, brew: input.brew ? names[formula.id] : [], missing };
}

/** Returns the requested packages of a kind: those of `--all`, and those that were named. */
function requested({ upstream, request }: SelectionInput, kind: Kind): PackageName[] {
  const all = request.all && kind.inAll ? (upstream[kind.id]?.names() ?? []) : [];
  return namesOf(kind.id, new Set([...all, ...request[kind.request]]));
}

const namesOf = (kind: KindId, names: Iterable<string>): PackageName[] =>
  [...names].map((name) => ({ kind, name }));

/** A package that stays as it is needs what it needed then; a formula for brew also needs what Homebrew says. */
function graphOf({ upstream, mirror, brew }: SelectionInput, choose: ByKind<Choose>): PackageGraph {
  return {
    find: ({ kind, name }) => choose[kind](name) ?? (kind === formula.id ? brew?.find(name) : undefined),
    dependencies: ({ kind, name }, types) => {
      const index = (choose[kind](name)?.from === 'mirror' && mirror ? mirror : upstream)[kind];
      const forBrew = kind === formula.id ? (brew?.dependencies(name, types) ?? []) : [];
      return [...(index?.dependencies(name, types) ?? []), ...forBrew];
    },
  };
}

/** Returns the function that chooses a package of a kind: the upstream's newest, or what the mirror has. */
function chooserFor({ upstream, mirror, asked }: SelectionInput, kind: Kind, fresh: Set<string>): Choose {
  return (name) => {
    const there = upstream[kind.id]?.find(name)?.name;
    // Only the upstream may know that a package has another name now.
    const here = (mirror?.[kind.id]?.find(name) ?? mirror?.[kind.id]?.find(there ?? name))?.name;
    if (there !== undefined && (asked.newest === 'all' || fresh.has(there) || here === undefined)) {
      return { kind, name: there, from: 'upstream', mirrored: true };
    }
    return here === undefined ? undefined : { kind, name: here, from: 'mirror', mirrored: true };
  };
}

/** Returns the named packages, and what they need; nothing where all packages are made new anyway. */
function freshNames({ upstream, request, asked }: SelectionInput): ByKind<readonly string[]> {
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
  { upstream, request }: SelectionInput,
  kind: Kind,
  chosen: ReadonlyMap<string, Choice>,
): Choice[] {
  const names = request.full_index && kind.inAll ? (upstream[kind.id]?.names() ?? []) : [];
  const rest = names.filter((name) => !chosen.has(name)).sort();
  return rest.map((name) => ({ kind, name, from: 'upstream', mirrored: false }));
}
