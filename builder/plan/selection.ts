import type { MirrorRequest } from '../../format/manifest.ts';
import type { Catalog, PackageIndex } from './catalog.ts';
import { type Closure, closureOf, type FormulaGraph } from './closure.ts';
import type { PackageNames } from './unknown.ts';

/** Which packages are taken at the newest version that the upstream has. */
export type Newest =
  /** All of them. */
  | 'all'
  /** Those that were named, with what they need; what else the mirror has stays as it is. */
  | 'named';

/** A package to mirror, and whether it comes from the upstream or stays as the mirror has it. */
export interface Choice {
  name: string;
  from: 'upstream' | 'mirror';
  /** False for a package that is only listed, without files. */
  mirrored: boolean;
}

export interface Selection {
  formulas: Choice[];
  casks: Choice[];
  linuxApps: Choice[];
  /** Canonical names of the formulas that brew is to have. */
  brew: string[];
  missing: Closure['missing'];
}

/** What a selection is made from. */
export interface Offer {
  upstream: Catalog;
  /** The packages that the mirror has with their files; absent when none of them can stay. */
  mirror: PackageIndex | undefined;
  /** Homebrew's own account of formulas, where brew is a client: by it brew decides what it needs. */
  brew: FormulaGraph | undefined;
  request: MirrorRequest;
  named: PackageNames;
  newest: Newest;
}

/** Decides which packages a mirror has, and which of them stay as they are. */
export function selectPackages(offer: Offer): Selection {
  const { upstream, request } = offer;
  const choose = formulaChooser(offer);
  const asked = request.all ? [...upstream.formulaNames(), ...request.packages] : request.packages;
  const { names, missing } = closureOf(graphOf(offer, choose), asked, closureOptions(request));
  const casks = chooseAll(
    request.all ? [...upstream.caskTokens(), ...request.casks] : request.casks,
    (token) =>
      choice(
        offer,
        upstream.findCask(token)?.token,
        offer.mirror?.findCask(token)?.token,
        offer.named.casks.includes(token),
      ),
  );
  const apps = chooseAll(request.linux_apps, (token) =>
    choice(
      offer,
      upstream.findLinuxApp(token)?.token,
      offer.mirror?.findLinuxApp(token)?.token,
      offer.named.linuxApps.includes(token),
    ),
  );
  const formulas = names.flatMap((name) => choose(name) ?? []);
  return {
    formulas: [...formulas, ...(request.full_index ? others(upstream.formulaNames(), formulas) : [])],
    casks: [...casks.chosen, ...(request.full_index ? others(upstream.caskTokens(), casks.chosen) : [])],
    linuxApps: apps.chosen,
    brew: offer.brew ? names : [],
    missing: [...missing, ...casks.missing, ...apps.missing],
  };
}

const closureOptions = ({ dependencies, dev_dependencies: devDependencies }: MirrorRequest) => ({
  dependencies,
  devDependencies,
});

function formulaChooser(offer: Offer): (name: string) => Choice | undefined {
  const { upstream, mirror, request, named, newest } = offer;
  const needed = newest === 'all' ? [] : closureOf(upstream, named.formulas, closureOptions(request)).names;
  const fresh = new Set(needed);
  return (name) => {
    const there = upstream.findFormula(name)?.name;
    return choice(offer, there, mirror?.findFormula(name)?.name, there !== undefined && fresh.has(there));
  };
}

/** What stays as it is needs what it needed then; what brew is to have needs what Homebrew says besides. */
function graphOf(
  { upstream, mirror, brew }: Offer,
  choose: (name: string) => Choice | undefined,
): FormulaGraph {
  return {
    findFormula: (name) => choose(name) ?? brew?.findFormula(name),
    dependencies: (name, types) => [
      ...(choose(name)?.from === 'mirror' && mirror ? mirror : upstream).dependencies(name, types),
      ...(brew?.dependencies(name, types) ?? []),
    ],
  };
}

function choice(
  { newest }: Offer,
  upstream: string | undefined,
  mirror: string | undefined,
  isFresh: boolean,
): Choice | undefined {
  if (upstream !== undefined && (newest === 'all' || isFresh || mirror === undefined)) {
    return { name: upstream, from: 'upstream', mirrored: true };
  }
  return mirror === undefined ? undefined : { name: mirror, from: 'mirror', mirrored: true };
}

function chooseAll(
  names: readonly string[],
  choose: (name: string) => Choice | undefined,
): { chosen: Choice[]; missing: Closure['missing'] } {
  const chosen = new Map<string, Choice>();
  const missing: Closure['missing'] = [];
  for (const name of [...new Set(names)].sort()) {
    const found = choose(name);
    if (found) chosen.set(found.name, found);
    else missing.push({ name, neededBy: undefined });
  }
  return { chosen: [...chosen.values()], missing };
}

/** The names that were not chosen, to be listed. */
function others(names: readonly string[], chosen: readonly Choice[]): Choice[] {
  const taken = new Set(chosen.map(({ name }) => name));
  const rest = names.filter((name) => !taken.has(name)).sort();
  return rest.map((name) => ({ name, from: 'upstream', mirrored: false }));
}
