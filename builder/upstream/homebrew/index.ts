import { utf8 } from '../../../format/bytes.ts';
import { sha256Hex } from '../../../format/digest.ts';
import { MirrorError } from '../../../format/errors.ts';
import { indexVersion } from '../../../format/index-version.ts';
import { cask } from '../../../format/packages/cask.ts';
import { formula } from '../../../format/packages/formula.ts';
import type { Kind } from '../../../format/packages/kinds.ts';
import type { KindIndex, Listed } from '../../database/kind-index.ts';
import type { DatabaseReader } from '../../database/reader.ts';
import type { UpstreamLocation } from '../location.ts';
import { HOMEBREW, type Upstream } from '../upstream.ts';
import type { HomebrewApi } from './api.ts';
import { caskJson } from './cask-json.ts';
import { formulaJson } from './formula-json.ts';

/** What Homebrew's API says about one kind of package. */
interface Packages {
  names(): Iterable<string>;
  /** Returns the canonical name. */
  find(name: string): string | undefined;
  /** Returns the description in stout-index's form; `dated` adds the commit of the tap, which changes every hour. */
  describe(name: string, dated: boolean): object;
  dependencies(name: string, types: readonly string[]): string[];
}

/** Homebrew as an upstream: its API in the form of a stout-index, so that everything else works the same way. */
export class HomebrewIndex implements Upstream {
  readonly location: UpstreamLocation;
  readonly version: string;
  readonly name = HOMEBREW;
  readonly #packages: ReadonlyMap<string, Packages>;

  constructor(api: HomebrewApi) {
    this.location = api.source.location;
    this.version = indexVersion(new Date(Math.max(...Object.values(api.generatedAt)) * 1000));
    this.#packages = new Map([
      [formula.id, formulasOf(api)],
      [cask.id, casksOf(api)],
    ]);
  }

  async index(kind: Kind): Promise<KindIndex> {
    const { names, find, describe, dependencies } = this.#packagesOf(kind);
    const known = new Map<string, Listed>();
    return {
      names: () => [...names()],
      find: (text) => {
        const name = find(text);
        if (name === undefined) return undefined;
        const listed = known.get(name) ?? { name, hash: hashOf(describe(name, false)), updatedAt: null };
        known.set(name, listed);
        return listed;
      },
      dependencies: (name, types) => dependencies(name, types).sort(),
    };
  }

  describe = async (kind: Kind, { name }: Listed): Promise<unknown> =>
    this.#packagesOf(kind).describe(name, true);

  vulnerabilities = (): Promise<DatabaseReader> => Promise.reject(this.#lacks('vulnerabilities'));

  close = (): Promise<void> => Promise.resolve();

  #packagesOf(kind: Kind): Packages {
    const packages = this.#packages.get(kind.id);
    if (packages) return packages;
    throw this.#lacks(`${kind.label}s`);
  }

  #lacks = (missing: string): MirrorError =>
    new MirrorError('not-found', `Homebrew has no ${missing}.`, { where: this.location.base.href });
}

const formulasOf = ({ packages, source }: HomebrewApi): Packages => ({
  names: () => packages.formulas.keys(),
  find: (name) => packages.findFormula(name)?.name,
  describe: (name, dated) => {
    const found = packages.formulas.get(name);
    if (found) return formulaJson(found, source.registry, dated ? packages.formulaCommit : null);
    throw new MirrorError('not-found', `Homebrew has no formula named ${name}.`, { where: name });
  },
  dependencies: packages.dependencies,
});

const casksOf = ({ packages }: HomebrewApi): Packages => ({
  names: () => packages.casks.keys(),
  find: (token) => packages.casks.get(token)?.token,
  describe: (token, dated) => {
    const found = packages.casks.get(token);
    if (found) return caskJson(found, dated ? packages.caskCommit : null);
    throw new MirrorError('not-found', `Homebrew has no cask named ${token}.`, { where: token });
  },
  dependencies: () => [],
});

const hashOf = (json: object): string => sha256Hex(utf8(JSON.stringify(json)));
