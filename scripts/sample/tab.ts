import { CATALOG, type CatalogFormula } from './catalog.ts';

/** When every bottle of the sample was built. */
export const BUILT_AT = new Date('2025-09-15T00:00:00Z');

/** Returns the version as Homebrew writes it in paths: with the revision, if there is one. */
export const kegVersion = ({ version, revision }: CatalogFormula): string =>
  revision > 0 ? `${version}_${revision}` : version;

/** The files of a bottle in which brew replaces placeholders for its folders when it installs it. */
export const changedFiles = ({ name }: CatalogFormula): string[] => [`lib/pkgconfig/${name}.pc`];

/** Returns how a bottle was built, as Homebrew writes it beside the bottle (`sh.brew.tab`) and, with more, into it. */
export function tabOf(formula: CatalogFormula, tag: string): object {
  const machine = {
    arch: tag.startsWith('arm64') ? 'arm64' : 'x86_64',
    built_on: { os: tag.endsWith('_linux') ? 'Linux' : 'Macintosh', cpu_family: 'dunno' },
  };
  return {
    homebrew_version: '4.6.11',
    changed_files: changedFiles(formula),
    source_modified_time: BUILT_AT.getTime() / 1000,
    compiler: tag.endsWith('_linux') ? 'gcc-12' : 'clang',
    runtime_dependencies: runtimeDependencies(formula),
    ...(tag === 'all' ? {} : machine),
  };
}

/** Returns everything that a formula needed at run time when it was built, what it names itself first. */
function runtimeDependencies(formula: CatalogFormula): object[] {
  const found = new Set(formula.dependencies.runtime);
  for (const name of found) {
    const needed = CATALOG.formulas.find((other) => other.name === name)?.dependencies.runtime ?? [];
    for (const other of needed) found.add(other);
  }
  return [...found].flatMap((name) => {
    const other = CATALOG.formulas.find((one) => one.name === name);
    if (!other) return [];
    const { version, revision, rebuild: bottle_rebuild } = other;
    const declared_directly = formula.dependencies.runtime.includes(name);
    return {
      full_name: name,
      ...{ version, revision, bottle_rebuild, pkg_version: kegVersion(other), declared_directly },
    };
  });
}
