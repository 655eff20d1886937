import type { MirrorRequest } from '../../format/manifest.ts';
import { formula } from '../../format/packages/formula.ts';
import { KINDS, type Kind, type KindId } from '../../format/packages/kinds.ts';
import type { KindIndex } from '../database/kind-index.ts';
import type { Asked } from '../request/request.ts';
import { type Closure, closureOf, type FormulaGraph } from './closure.ts';

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

/** What a selection is made from. */
export interface SelectionInput {
  upstream: Catalog;
  /** The packages that the mirror has with their files; absent when none of them can stay. */
  mirror: Catalog | undefined;
  /** Homebrew's own graph of formulas, where brew is a client: brew decides by it what it needs. */
  brew: FormulaGraph | undefined;
  request: MirrorRequest;
  asked: Pick<Asked, 'named' | 'newest'>;
}

type Choose = (name: string) => Choice | undefined;

/** Decides which packages a mirror has, and which of them stay as they are. */
export function selectPackages(input: SelectionInput): Selection {
  const selection: Selection = { choices: [], brew: [], missing: [] };
  for (const kind of KINDS) {
    const choose = chooserFor(input, kind);
    const { names, missing } =
      kind.id === formula.id ? withDependencies(input, choose) : namedOnes(input, kind, choose);
    const chosen = new Map(
      names.flatMap((name) => choose(name) ?? []).map((choice) => [choice.name, choice]),
    );
    selection.choices.push(...chosen.values(), ...listedOnly(input, kind, chosen));
    selection.missing.push(...missing);
    if (kind.id === formula.id && input.brew) selection.brew = names;
  }
  return selection;
}

/** Returns the requested names of a kind: those of `--all`, and those that were named. */
function requested({ upstream, request }: SelectionInput, kind: Kind): string[] {
  const all = request.all && kind.inAll ? (upstream[kind.id]?.names() ?? []) : [];
  return [...all, ...request[kind.request]];
}

function withDependencies(input: SelectionInput, choose: Choose): Closure {
  return closureOf(graphOf(input, choose), requested(input, formula), input.request);
}

function namedOnes(input: SelectionInput, kind: Kind, choose: Choose): Closure {
  const names = [...new Set(requested(input, kind))].sort();
  const missing = names.filter((name) => !choose(name));
  return { names, missing: missing.map((name) => ({ name, neededBy: undefined })) };
}

/** A package that stays as it is needs what it needed then; a package for brew also needs what Homebrew says. */
function graphOf({ upstream, mirror, brew }: SelectionInput, choose: Choose): FormulaGraph {
  return {
    find: (name) => choose(name) ?? brew?.find(name),
    dependencies: (name, types) => {
      const index = (choose(name)?.from === 'mirror' && mirror ? mirror : upstream).formula;
      return [...(index?.dependencies(name, types) ?? []), ...(brew?.dependencies(name, types) ?? [])];
    },
  };
}

/** Returns the function that chooses a package of a kind: the upstream's newest, or what the mirror has. */
function chooserFor(input: SelectionInput, kind: Kind): Choose {
  const { newest } = input.asked;
  const fresh = new Set(newest === 'all' ? [] : freshNames(input, kind));
  return (name) => {
    const there = input.upstream[kind.id]?.find(name)?.name;
    const here = input.mirror?.[kind.id]?.find(name)?.name;
    if (there !== undefined && (newest === 'all' || fresh.has(there) || here === undefined)) {
      return { kind, name: there, from: 'upstream', mirrored: true };
    }
    return here === undefined ? undefined : { kind, name: here, from: 'mirror', mirrored: true };
  };
}

/** Returns the named packages of a kind, and for formulas what they need. */
function freshNames({ upstream, request, asked }: SelectionInput, kind: Kind): readonly string[] {
  const names = asked.named[kind.id];
  if (kind.id !== formula.id || !upstream.formula) return names;
  return closureOf(upstream.formula, names, request).names;
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
