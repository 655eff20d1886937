import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';

const RUNTIME = ['runtime', 'recommended'];
const DEVELOPMENT = ['build', 'test'];
/** Far more than any sound index lacks, and few enough to report. */
const MAX_MISSING = 10_000;

/** Formulas and their dependencies. */
export interface FormulaGraph {
  /** Returns a formula by its name or an alias. */
  find(name: string): { name: string } | undefined;
  /** Returns the names that a formula depends on, for the given reasons. */
  dependencies(name: string, types: readonly string[]): string[];
}

export interface Closure {
  /** Canonical names, sorted. */
  names: string[];
  /** What the graph lacks, and who needs it; `undefined` for what was asked for. */
  missing: { name: string; neededBy: string | undefined }[];
}

/**
 * Returns everything that installing the requested formulas takes: the formulas, their build and test dependencies, and
 * the runtime and recommended dependencies of all of those, as far as the request wants dependencies.
 * Throws `bad-input` when the graph lacks more than ten thousand of them.
 */
export function closureOf(
  graph: FormulaGraph,
  requested: readonly string[],
  request: Pick<MirrorRequest, 'dependencies' | 'dev_dependencies'>,
): Closure {
  const names = new Set<string>();
  const missing: Closure['missing'] = [];
  const queue: string[] = [];
  const visit = (dependencies: readonly string[], neededBy?: string): void => {
    for (const name of dependencies) {
      const found = graph.find(name);
      if (found) queue.push(found.name);
      else missing.push({ name, neededBy });
      if (missing.length > MAX_MISSING) throw tooManyMissing(neededBy);
    }
  };
  visit(requested);
  if (request.dependencies && request.dev_dependencies) {
    for (const name of [...queue]) visit(graph.dependencies(name, DEVELOPMENT), name);
  }
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (names.has(name)) continue;
    names.add(name);
    if (request.dependencies) visit(graph.dependencies(name, RUNTIME), name);
  }
  return { names: [...names].sort(), missing };
}

const tooManyMissing = (neededBy: string | undefined): MirrorError =>
  new MirrorError('bad-input', `More than ${MAX_MISSING} required packages are missing upstream.`, {
    where: neededBy,
  });
