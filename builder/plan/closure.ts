import { MirrorError } from '../../format/errors.ts';

const RUNTIME = ['runtime', 'recommended'];
const DEVELOPMENT = ['build', 'test'];
/** Far more than an index that is sound can lack, and few enough to tell of. */
const MAX_MISSING = 10_000;

export interface ClosureOptions {
  /** Whether dependencies come along at all. */
  dependencies: boolean;
  /** Whether the asked-for packages' build and test dependencies come along. */
  devDependencies: boolean;
}

/** Formulas and what they depend on. */
export interface FormulaGraph {
  /** A formula by its name or an alias. */
  findFormula(name: string): { name: string } | undefined;
  /** Names that a formula depends on, of the given types. */
  dependencies(name: string, types: readonly string[]): string[];
}

export interface Closure {
  /** Canonical names, sorted. */
  names: string[];
  /** What the graph does not have, and who needs it; `undefined` for what was asked for. */
  missing: { name: string; neededBy: string | undefined }[];
}

/**
 * What installing the requested formulas takes: they, the build and test dependencies of each, and the runtime and
 * recommended dependencies of all of those. Throws `bad-input` when the graph lacks more than ten thousand of them.
 */
export function closureOf(
  graph: FormulaGraph,
  requested: readonly string[],
  options: ClosureOptions,
): Closure {
  const names = new Set<string>();
  const missing: Closure['missing'] = [];
  const queue: string[] = [];
  const visit = (dependencies: readonly string[], neededBy?: string): void => {
    for (const name of dependencies) {
      const found = graph.findFormula(name);
      if (found) queue.push(found.name);
      else missing.push({ name, neededBy });
      if (missing.length > MAX_MISSING) throw tooManyMissing(neededBy);
    }
  };
  visit(requested);
  if (options.dependencies && options.devDependencies) {
    for (const name of [...queue]) visit(graph.dependencies(name, DEVELOPMENT), name);
  }
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (names.has(name)) continue;
    names.add(name);
    if (options.dependencies) visit(graph.dependencies(name, RUNTIME), name);
  }
  return { names: [...names].sort(), missing };
}

const tooManyMissing = (neededBy: string | undefined): MirrorError =>
  new MirrorError('bad-input', `More than ${MAX_MISSING} packages are needed that nobody has.`, {
    where: neededBy,
  });
