/** One thing that a cask installs: a row of `cask_artifacts`. */
export interface CaskPart {
  type: string;
  source: string;
  target: string | null;
}

/** One thing that a cask needs: a row of `cask_dependencies`; the type is formula, cask, macos or macos_<operator>. */
export interface CaskDependency {
  type: string;
  value: string;
}

/** The `artifacts` of a cask's package JSON as rows; as in stout-index, a pkg's source is its path, a zap has none. */
export function caskParts(artifacts: readonly Record<string, unknown>[]): CaskPart[] {
  return artifacts.map(({ type, source, path, target }) => ({
    type: text(type) ?? '',
    source: text(source) ?? text(path) ?? '',
    target: text(target),
  }));
}

/** The `depends_on` of a cask's package JSON as rows; what stout-index does not list (arch, Java) is left out. */
export function caskDependencies(dependsOn: Readonly<Record<string, unknown>>): CaskDependency[] {
  return [
    ...dependencies('formula', dependsOn.formula),
    ...dependencies('cask', dependsOn.cask),
    ...macosDependencies(dependsOn.macos),
  ];
}

function macosDependencies(macos: unknown): CaskDependency[] {
  if (typeof macos === 'string') return dependencies('macos', macos);
  if (typeof macos !== 'object' || macos === null) return [];
  return Object.entries(macos).flatMap(([operator, versions]) => dependencies(`macos_${operator}`, versions));
}

function dependencies(type: string, values: unknown): CaskDependency[] {
  const list: unknown[] = Array.isArray(values) ? values : [values];
  return list.flatMap((value) => (typeof value === 'string' ? [{ type, value }] : []));
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
