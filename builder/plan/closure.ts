import type { Catalog } from './catalog.ts';

const RUNTIME = ['runtime', 'recommended'];
const DEVELOPMENT = ['build', 'test'];

export interface ClosureOptions {
  /** Whether dependencies come along at all. */
  dependencies: boolean;
  /** Whether the asked-for packages' build and test dependencies come along. */
  devDependencies: boolean;
}

export interface Closure {
  /** Canonical names, sorted. */
  names: string[];
  /** Dependencies that the upstream does not have. */
  missing: { name: string; neededBy: string }[];
}

/**
 * What installing the requested formulas takes: they, the build and test dependencies of each, and the runtime and
 * recommended dependencies of all of those. Throws `unknown-package` for a requested name.
 */
export function closureOf(catalog: Catalog, requested: readonly string[], options: ClosureOptions): Closure {
  const names = new Set<string>();
  const missing: Closure['missing'] = [];
  const queue = requested.map((name) => catalog.formula(name).name);
  const visit = (dependencies: string[], neededBy: string): void => {
    for (const name of dependencies) {
      const found = catalog.findFormula(name);
      if (found) queue.push(found.name);
      else missing.push({ name, neededBy });
    }
  };
  if (options.dependencies && options.devDependencies) {
    for (const name of [...queue]) visit(catalog.dependencies(name, DEVELOPMENT), name);
  }
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (names.has(name)) continue;
    names.add(name);
    if (options.dependencies) visit(catalog.dependencies(name, RUNTIME), name);
  }
  return { names: [...names].sort(), missing };
}
