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
import { caskRequirements } from './cask-requirements.ts';
import { formulaJson } from './formula-json.ts';
import type { KnownNames } from './known-names.ts';

/** What Homebrew's API says about one kind of package. */
interface Packages {
  kind: Kind;
  known: Pick<KnownNames<unknown>, 'names' | 'nameOf' | 'reason' | 'movedTo'>;
  /** Returns the headers that downloads want, by URL. */
  headers(name: string): Listed['headers'];
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
    const packages = this.#packagesOf(kind);
    const { known, dependencies } = packages;
    const found = new Map<string, Listed>();
    return {
      names: known.names,
      find: (text) => {
        const name = known.nameOf(text);
        if (name === undefined) return undefined;
        const listed = found.get(name) ?? listedOf(packages, name);
        found.set(name, listed);
        return listed;
      },
      movedTo: known.movedTo,
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
  kind: formula as Kind,
  known: packages.formulas,
  headers: () => undefined,
  describe: (name, dated) => {
    const found = packages.formulas.get(name);
    if (found) return formulaJson(found, source.registry, dated ? packages.formulaCommit : null);
    throw new MirrorError('not-found', `Homebrew has no formula named ${name}.`, { where: name });
  },
  dependencies: packages.dependencies,
});

const casksOf = ({ packages }: HomebrewApi): Packages => ({
  kind: cask as Kind,
  known: packages.casks,
  headers: (token) => {
    const downloads = [...(packages.casks.get(token)?.downloads.values() ?? [])];
    return Object.fromEntries(downloads.map(({ url, headers }) => [url, headers]));
  },
  describe: (token, dated) => {
    const found = packages.casks.get(token);
    if (found) return caskJson(found, packages.architectures, dated ? packages.caskCommit : null);
    throw new MirrorError('not-found', `Homebrew has no cask named ${token}.`, { where: token });
  },
  dependencies: (token, types) => {
    const { formula: formulas = [], cask: casks = [] } = caskRequirements(
      packages.casks.get(token)?.struct.depends_on_args ?? {},
    );
    return [...(types.includes('formula') ? formulas : []), ...(types.includes('cask') ? casks : [])];
  },
});

function listedOf({ kind, known, headers, describe }: Packages, name: string): Listed {
  const without = (unavailable: string): Listed => ({ name, hash: null, updatedAt: null, unavailable });
  const reason = known.reason(name);
  if (reason !== undefined) return without(reason);
  try {
    const wanted = headers(name);
    const json = describe(name, false);
    const license = 'license' in json ? { license: json.license as string | null } : {};
    const { version } = kind.summary(json);
    return { name, version, ...license, hash: hashOf({ ...json, wanted }), updatedAt: null, headers: wanted };
  } catch (error) {
    if (error instanceof MirrorError) return without(error.message);
    throw error;
  }
}

const hashOf = (json: object): string => sha256Hex(utf8(JSON.stringify(json)));
