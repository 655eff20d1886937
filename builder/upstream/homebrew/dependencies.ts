import type { Dependencies } from '../../../format/packages/formula.ts';
import { MACOS_RELEASES } from '../../../format/tags.ts';
import type { FormulaStruct } from './payload.ts';
import { plainText, plainValue } from './symbols.ts';

const TYPES = ['build', 'test', 'recommended', 'optional'] as const;

export const noDependencies = (): Dependencies => ({
  ...{ runtime: [], build: [], test: [], optional: [], recommended: [] },
});

/**
 * Adds to `dependencies` what a formula needs on a platform: its own dependencies, and on Linux or an older macOS those
 * that a newer macOS provides.
 */
export function addDependencies(dependencies: Dependencies, struct: FormulaStruct, tag: string): void {
  for (const entry of struct.stable_dependencies) addEntry(dependencies, entry);
  for (const [entry, bounds] of struct.stable_uses_from_macos) {
    if (entry !== undefined && !isProvided(tag, sinceOf(bounds) ?? sinceOf(entry))) {
      addEntry(dependencies, entry);
    }
  }
}

/** Adds one entry. A symbol in place of a name is a requirement, such as Xcode, that no package meets. */
function addEntry(dependencies: Dependencies, entry: string | Record<string, unknown>): void {
  const pairs = typeof entry === 'string' ? [[entry, []] as const] : Object.entries(entry);
  for (const [name, given] of pairs) {
    if (name.startsWith(':')) continue;
    const words = [plainValue(given)].flat();
    const types = TYPES.filter((type) => words.includes(type));
    for (const type of types.length > 0 ? types : (['runtime'] as const)) {
      if (!dependencies[type].includes(name)) dependencies[type].push(name);
    }
  }
}

function sinceOf(value: string | Record<string, unknown> | undefined): string | undefined {
  const since = typeof value === 'object' ? value[':since'] : undefined;
  return typeof since === 'string' ? plainText(since) : undefined;
}

/** True when a platform's system provides what macOS has provided since a release. */
function isProvided(tag: string, since: string | undefined): boolean {
  const releases: readonly string[] = MACOS_RELEASES;
  const release = releases.indexOf(tag.replace(/^arm64_/, ''));
  return release >= 0 && (since === undefined || release >= releases.indexOf(since));
}
