import * as v from 'valibot';
import type { BottleName } from '../../../format/bottle.ts';
import type { Dependencies } from '../../../format/packages/formula.ts';
import { MACOS_RELEASES } from '../../../format/tags.ts';
import { type CaskDownload, caskDownload } from './cask-download.ts';
import { addDependencies, noDependencies } from './dependencies.ts';
import { KnownNames } from './known-names.ts';
import {
  type CaskStruct,
  caskSchema,
  type FormulaStruct,
  formulaSchema,
  type PackagesPayload,
  withoutNulls,
} from './payload.ts';
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

/** A cask that can be downloaded, from the files of Macs; from those of Linux if no Mac has a download. */
export interface HomebrewCask {
  token: string;
  /** From the file of the newest macOS, and of those the newest. */
  struct: CaskStruct & { version: string };
  generatedAt: number;
  /** How new that macOS is: {@link MACOS_RELEASES} from 0 on; -1 for Linux. */
  release: number;
  /** One for each architecture that was read. */
  downloads: Map<Architecture, CaskDownload>;
}

/** An architecture as casks name it. */
export type Architecture = 'arm64' | 'intel';

const HEAD_ONLY = 'Homebrew has no release of it: brew builds it from the head of its repository';

/** Everything in the packages files of some platforms. */
export class HomebrewPackages {
  readonly formulas = new KnownNames<HomebrewFormula>();
  readonly casks = new KnownNames<HomebrewCask>();
  /** Architectures of the Macs whose files were read. */
  readonly architectures = new Set<Architecture>();
  formulaCommit: string | null = null;
  caskCommit: string | null = null;

  /** Adds the file of a platform. */
  add(tag: string, payload: PackagesPayload): void {
    const { generated_at: generatedAt } = payload.metadata;
    if (releaseOf(tag) >= 0) this.architectures.add(architectureOf(tag));
    for (const [name, value] of Object.entries(payload.formulae)) {
      this.#addFormula(tag, name, value, generatedAt);
    }
    for (const [token, value] of Object.entries(payload.casks)) {
      this.#addCask(tag, token, value, generatedAt);
    }
    this.formulas.rename(payload.formula_renames, payload.formula_aliases);
    this.formulas.moved(payload.formula_tap_migrations);
    this.casks.rename(payload.cask_renames);
    this.casks.moved(payload.cask_tap_migrations);
    this.formulaCommit = payload.formula_tap_git_head;
    this.caskCommit = payload.cask_tap_git_head;
  }

  /** Returns the names that a formula depends on, for the given reasons. */
  dependencies = (name: string, types: readonly string[]): string[] => {
    const dependencies = this.formulas.get(name)?.dependencies;
    return Object.entries(dependencies ?? {}).flatMap(([type, names]) => (types.includes(type) ? names : []));
  };

  #addFormula(tag: string, name: string, value: unknown, generatedAt: number): void {
    const struct = readFormula(value);
    if (typeof struct === 'string') {
      this.formulas.leaveOut(name, struct);
      return;
    }
    const { stable_version: version, revision, bottle_rebuild: rebuild, bottle_cellar: cellar } = struct;
    const known = this.formulas.get(name);
    const isNewest = known === undefined || generatedAt > known.generatedAt;
    const formula: HomebrewFormula = {
      name,
      ...(isNewest ? { struct, generatedAt } : known),
      dependencies: known?.dependencies ?? noDependencies(),
      bottles: known?.bottles ?? new Map(),
    };
    addDependencies(formula.dependencies, struct, tag);
    if (struct.bottle_checksum !== undefined) {
      const own = struct.bottle_tag === undefined ? tag : plainText(struct.bottle_tag);
      const sha256 = struct.bottle_checksum;
      formula.bottles.set(tag, { name, version, revision, rebuild, tag: own, sha256, cellar });
    }
    this.formulas.set(name, formula);
    this.formulas.rename(
      Object.fromEntries([...struct.aliases, ...struct.oldnames].map((other) => [other, name])),
    );
  }

  #addCask(tag: string, token: string, value: unknown, generatedAt: number): void {
    const read = readCask(value);
    const release = releaseOf(tag);
    const isMac = release >= 0;
    if (typeof read === 'string') {
      // Most casks are for Macs, so their reasons say more.
      if (isMac || this.casks.reason(token) === undefined) this.casks.leaveOut(token, read);
      return;
    }
    const { struct, download } = read;
    const known = this.casks.get(token);
    const isNewest =
      !known || release > known.release || (release === known.release && generatedAt > known.generatedAt);
    const isSame = known && known.release >= 0 === isMac && known.struct.version === struct.version;
    if (!isNewest && !isSame) return;
    const downloads: HomebrewCask['downloads'] = isSame ? known.downloads : new Map();
    const architecture = architectureOf(tag);
    if (isNewest || !downloads.has(architecture)) downloads.set(architecture, download);
    this.casks.set(token, { ...(isNewest ? { token, struct, generatedAt, release } : known), downloads });
  }
}

/** Returns a formula that has a release, or the reason why there is none to mirror as a sentence. */
function readFormula(value: unknown): HomebrewFormula['struct'] | string {
  const struct = parsed(formulaSchema, value);
  if (typeof struct === 'string') return struct;
  const { stable_version } = struct;
  return stable_version === undefined ? HEAD_ONLY : { ...struct, stable_version };
}

/** Returns a cask with its download on the platform of the file, or the reason why it has none that can be mirrored as a sentence. */
function readCask(value: unknown): { struct: HomebrewCask['struct']; download: CaskDownload } | string {
  const struct = parsed(caskSchema, value);
  if (typeof struct === 'string') return struct;
  const { version } = struct;
  const download = caskDownload(struct);
  if (typeof download === 'string') return download;
  if (version === undefined) return 'Homebrew names no version of it for these platforms';
  return { struct: { ...struct, version }, download };
}

const releaseOf = (tag: string): number =>
  (MACOS_RELEASES as readonly string[]).indexOf(tag.replace(/^arm64_/, ''));

const architectureOf = (tag: string): Architecture => (tag.startsWith('arm64_') ? 'arm64' : 'intel');

/** Returns a package's description, or the reason why it cannot be read as a sentence. Null means the same as nothing. */
function parsed<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | string {
  const result = v.safeParse(schema, withoutNulls(value));
  if (result.success) return result.output;
  const [issue] = result.issues;
  return `Homebrew describes it in a way that is not understood, at ${v.getDotPath(issue) ?? 'its top'}: ${issue.message}`;
}
