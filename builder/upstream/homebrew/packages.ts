import type { BottleName } from '../../../format/bottle.ts';
import type { Dependencies } from '../../../format/packages/formula.ts';
import { MACOS_RELEASES } from '../../../format/tags.ts';
import { addDependencies, noDependencies } from './dependencies.ts';
import type { CaskStruct, FormulaStruct, PackagesPayload } from './payload.ts';
import { plainText } from './symbols.ts';

/** A bottle as the API describes it to brew on one platform. */
export interface HomebrewBottle extends BottleName {
  sha256: string;
  cellar: string;
}

/** A formula, combined from the files of all platforms read. */
export interface HomebrewFormula {
  name: string;
  /** From the newest of the files. */
  struct: FormulaStruct & { stable_version: string };
  generatedAt: number;
  /** Its dependencies on any of the platforms. */
  dependencies: Dependencies;
  /** By the platform that asks. Files of different ages may name different versions. */
  bottles: Map<string, HomebrewBottle>;
}

/** A cask, with its download for each Mac architecture that was read. */
export interface HomebrewCask {
  token: string;
  struct: CaskStruct;
  generatedAt: number;
  downloads: Map<'arm64' | 'intel', { url: string; sha256: string }>;
}

/** Everything in the packages files of some platforms. */
export class HomebrewPackages {
  readonly formulas = new Map<string, HomebrewFormula>();
  readonly casks = new Map<string, HomebrewCask>();
  readonly #aliases = new Map<string, string>();
  formulaCommit: string | null = null;
  caskCommit: string | null = null;

  /** Adds the file of a platform. */
  add(tag: string, payload: PackagesPayload): void {
    const { generated_at: generatedAt } = payload.metadata;
    for (const [name, struct] of Object.entries(payload.formulae)) {
      this.#addFormula(tag, name, struct, generatedAt);
    }
    for (const [token, struct] of Object.entries(payload.casks)) {
      this.#addCask(tag, token, struct, generatedAt);
    }
    const { formula_aliases: aliases, formula_renames: renames } = payload;
    for (const [alias, name] of Object.entries({ ...renames, ...aliases })) this.#aliases.set(alias, name);
    this.formulaCommit = payload.formula_tap_git_head;
    this.caskCommit = payload.cask_tap_git_head;
  }

  /** Returns a formula by its name, an alias or a former name. */
  findFormula = (name: string): HomebrewFormula | undefined =>
    this.formulas.get(name) ?? this.formulas.get(this.#aliases.get(name) ?? '');

  /** Returns the names that a formula depends on, for the given reasons. */
  dependencies = (name: string, types: readonly string[]): string[] => {
    const dependencies = this.formulas.get(name)?.dependencies;
    return Object.entries(dependencies ?? {}).flatMap(([type, names]) => (types.includes(type) ? names : []));
  };

  #addFormula(tag: string, name: string, struct: FormulaStruct, generatedAt: number): void {
    const { stable_version: version } = struct;
    if (version === undefined) return;
    const known = this.formulas.get(name);
    const isNewest = known === undefined || generatedAt > known.generatedAt;
    const formula: HomebrewFormula = {
      name,
      ...(isNewest ? { struct: { ...struct, stable_version: version }, generatedAt } : known),
      dependencies: known?.dependencies ?? noDependencies(),
      bottles: known?.bottles ?? new Map(),
    };
    addDependencies(formula.dependencies, struct, tag);
    const { bottle_checksum: sha256, revision, bottle_rebuild: rebuild, bottle_cellar: cellar } = struct;
    if (sha256 !== undefined) {
      const own = struct.bottle_tag === undefined ? tag : plainText(struct.bottle_tag);
      formula.bottles.set(tag, { name, version, revision, rebuild, tag: own, sha256, cellar });
    }
    this.formulas.set(name, formula);
    for (const alias of [...struct.aliases, ...struct.oldnames]) {
      if (!this.#aliases.has(alias)) this.#aliases.set(alias, name);
    }
  }

  #addCask(tag: string, token: string, struct: CaskStruct, generatedAt: number): void {
    const known = this.casks.get(token);
    const isMac = MACOS_RELEASES.some((release) => tag.endsWith(release));
    // A Mac's file takes precedence over Linux's: most casks do not run there.
    const isNewest = !known || (isMac && (known.downloads.size === 0 || generatedAt > known.generatedAt));
    const isOther = known?.struct.version !== struct.version;
    if (isOther && !isNewest) return;
    const downloads: HomebrewCask['downloads'] = isOther ? new Map() : known.downloads;
    const [url] = struct.url_args;
    const architecture = tag.startsWith('arm64_') ? 'arm64' : 'intel';
    if (isMac && url !== undefined && (isNewest || !downloads.has(architecture))) {
      downloads.set(architecture, { url, sha256: struct.sha256 });
    }
    this.casks.set(token, { ...(isNewest ? { struct, generatedAt } : known), token, downloads });
  }
}
