import { join } from 'node:path';
import { utf8 } from '../../../format/bytes.ts';
import { sha256Hex } from '../../../format/digest.ts';
import { MirrorError } from '../../../format/errors.ts';
import { indexVersion } from '../../../format/index-version.ts';
import { type CaskRow, writeCasksDatabase } from '../../index/casks-database.ts';
import { type FormulaRow, writeFormulasDatabase } from '../../index/formulas-database.ts';
import { DatabaseReader } from '../../index/reader.ts';
import type { UpstreamLocation } from '../location.ts';
import type { UpstreamCask, UpstreamFormula } from '../package-json.ts';
import type { Upstream } from '../upstream.ts';
import type { HomebrewApi } from './api.ts';
import { caskJson } from './cask-json.ts';
import { formulaJson } from './formula-json.ts';
import type { HomebrewCask, HomebrewFormula } from './packages.ts';

/** Homebrew itself as an upstream: its API put into the form of a stout-index, by which everything else works alike. */
export class HomebrewIndex implements Upstream {
  readonly location: UpstreamLocation;
  readonly version: string;
  readonly #api: HomebrewApi;
  readonly #folder: string;
  readonly #readers = new Map<string, DatabaseReader>();

  /** The databases are written into `folder`, which must be there and is left to the caller. */
  constructor(api: HomebrewApi, folder: string) {
    this.#api = api;
    this.#folder = folder;
    this.location = api.source.location;
    this.version = indexVersion(new Date(Math.max(...Object.values(api.generatedAt)) * 1000));
  }

  async close(): Promise<void> {
    for (const reader of this.#readers.values()) reader.close();
  }

  formulas = async (): Promise<DatabaseReader> =>
    this.#database('formulas', (path) => {
      const formulas = [...this.#api.packages.formulas.keys()].map((name) => this.#formulaRow(name));
      writeFormulasDatabase(path, { version: this.version, createdAt: this.version, formulas });
    });

  casks = async (): Promise<DatabaseReader> =>
    this.#database('casks', (path) => {
      const casks = [...this.#api.packages.casks.keys()].map((token) => this.#caskRow(token));
      writeCasksDatabase(path, { version: this.version, createdAt: this.version, casks });
    });

  linuxApps = (): Promise<DatabaseReader> => Promise.reject(this.#lacks('Linux apps'));
  vulnerabilities = (): Promise<DatabaseReader> => Promise.reject(this.#lacks('vulnerabilities'));

  formula = async (name: string): Promise<UpstreamFormula> =>
    formulaJson(this.#formula(name), this.#api.source.registry, this.#api.packages.formulaCommit);

  cask = async (token: string): Promise<UpstreamCask> =>
    caskJson(this.#cask(token), this.#api.packages.caskCommit);

  #formula(name: string): HomebrewFormula {
    const formula = this.#api.packages.formulas.get(name);
    if (formula) return formula;
    throw this.#lacks(`formula named ${name}`);
  }

  #cask(token: string): HomebrewCask {
    const cask = this.#api.packages.casks.get(token);
    if (cask) return cask;
    throw this.#lacks(`cask named ${token}`);
  }

  #formulaRow(name: string): FormulaRow {
    const formula = this.#formula(name);
    const json = formulaJson(formula, this.#api.source.registry, null);
    return {
      ...{ name, version: json.version, revision: json.revision, desc: json.desc, homepage: json.homepage },
      ...{ license: json.license, tap: json.tap, dependencies: json.dependencies },
      ...{ deprecated: json.flags.deprecated ?? false, disabled: json.flags.disabled ?? false },
      ...{ hasBottle: formula.bottles.size > 0, bottles: [], updatedAt: null, jsonHash: hashOf(json) },
      aliases: [...formula.struct.aliases, ...formula.struct.oldnames],
    };
  }

  #caskRow(token: string): CaskRow {
    const json = caskJson(this.#cask(token), null);
    return {
      ...{ token, names: json.name, version: json.version, sha256: json.sha256, url: json.url },
      ...{ homepage: json.homepage, desc: json.desc, tap: json.tap, autoUpdates: json.auto_updates ?? false },
      ...{ deprecated: json.deprecated ?? false, disabled: json.disabled ?? false },
      ...{ jsonHash: hashOf(json), updatedAt: null, parts: [], dependencies: [], files: [] },
    };
  }

  #database(kind: string, write: (path: string) => void): DatabaseReader {
    const known = this.#readers.get(kind);
    if (known) return known;
    const path = join(this.#folder, `${kind}.db`);
    write(path);
    const reader = DatabaseReader.open(path, this.location.base.href);
    this.#readers.set(kind, reader);
    return reader;
  }

  #lacks = (what: string): MirrorError =>
    new MirrorError('not-found', `Homebrew has no ${what}.`, { where: this.location.base.href });
}

/** By which a change upstream is seen. The commit of the whole tap is no part of it: it changes every hour. */
const hashOf = (json: object): string => sha256Hex(utf8(JSON.stringify(json)));
