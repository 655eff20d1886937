import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { BottleNames, planBrew } from './brew.ts';
import type { CarriedFormula, CarriedPackage, CarriedPackages } from './carried.ts';
import { LATEST, listCask, planCask } from './casks.ts';
import { Catalog } from './catalog.ts';
import { lacksOf, listFormula, planFormula } from './formulas.ts';
import { onlyDescribed, planLinuxApp } from './linux-apps.ts';
import { brewBottlesOf, filesOf, type Plan, type Planned, type Remark } from './plan.ts';
import { type Choice, type Newest, type Selection, selectPackages } from './selection.ts';
import { expectKnown, isKnown, type PackageNames } from './unknown.ts';

const METADATA_REQUESTS = 16;

/** Whose files are fetched although they are here. */
export type Force = 'all' | 'named' | 'none';

/** What a plan is made of. */
export interface PlanOptions {
  index: Upstream;
  request: MirrorRequest;
  /** What somebody named: the upstream must have it, and nothing of it may be left out in silence. */
  named: PackageNames;
  newest: Newest;
  force: Force;
  /** Homebrew's API, where brew is a client. */
  brew: HomebrewApi | undefined;
  /** The mirror as it stands; absent when none of it can stay. */
  carried: CarriedPackages | undefined;
  /** SHA-256 of the file that the mirror has at a path. */
  sha256At: (path: string) => string | undefined;
  /** True to go on without packages whose data cannot be read. */
  keepGoing: boolean;
  /** Told of packages read. */
  onProgress: (done: number, total: number) => void;
}

/**
 * Decides what a mirror contains; downloads package JSON of what is new or changed, nothing else.
 * Throws `unknown-package`, or what the upstream throws.
 */
export async function makePlan(options: PlanOptions): Promise<Plan> {
  const { index, request, named, newest, carried } = options;
  const upstream = await openCatalog(index, request, named);
  const brew = options.brew?.packages;
  const selection = selectPackages({ upstream, mirror: carried, brew, request, named, newest });
  return new Planner(options, upstream, selection).run();
}

/** Opens the databases that are asked for, or all of them when a name may be of another kind. */
export async function openCatalog(
  index: Upstream,
  request: MirrorRequest,
  named: PackageNames,
): Promise<Catalog> {
  const wantsCasks = request.all || request.full_index || request.casks.length > 0;
  const formulas = await index.formulas();
  const catalog = new Catalog({
    formulas,
    casks: wantsCasks ? await index.casks() : undefined,
    linuxApps: request.linux_apps.length > 0 ? await index.linuxApps() : undefined,
  });
  if (isKnown(catalog, named)) return catalog;
  const absent = () => undefined;
  const [casks, linuxApps] = [await index.casks().catch(absent), await index.linuxApps().catch(absent)];
  expectKnown(new Catalog({ formulas, casks, linuxApps }), named);
  return catalog;
}

interface CarriedEntry {
  version: string;
  unchecked?: true | undefined;
}

/** What one package's planning gave. */
interface Outcome<Fresh, Carried> {
  planned?: Fresh | undefined;
  carried?: Carried | undefined;
  skipped?: Remark[];
}

class Planner {
  readonly #options: PlanOptions;
  readonly #upstream: Catalog;
  readonly #selection: Selection;
  readonly #plan: Plan;
  readonly #names: BottleNames;
  /** Canonical names of what was named. */
  readonly #named: ReadonlySet<string>;
  #done = 0;

  constructor(options: PlanOptions, upstream: Catalog, selection: Selection) {
    this.#options = options;
    this.#upstream = upstream;
    this.#selection = selection;
    const { formulas, casks, linuxApps } = options.named;
    const names = formulas.map((name) => upstream.findFormula(name)?.name ?? name);
    this.#named = new Set([...names, ...casks, ...linuxApps]);
    const { brew, skipped = [] } = options.brew
      ? planBrew(options.brew, selection.brew, options.request.tags)
      : {};
    this.#names = new BottleNames(brew);
    this.#plan = {
      ...{ brew, formulas: { fresh: [], carried: [] }, casks: { fresh: [], carried: [] } },
      ...{ linuxApps: { fresh: [], carried: [] }, skipped: [...skipped], failed: [], kept: [] },
    };
  }

  async run(): Promise<Plan> {
    const { formulas, casks, linuxApps, missing } = this.#selection;
    const plan = this.#plan;
    for (const { name, neededBy } of missing) {
      const reason =
        neededBy === undefined ? 'the upstream does not have it' : `needed by ${neededBy}, unknown upstream`;
      plan.skipped.push({ name, reason });
    }
    for (const file of brewBottlesOf(plan)) file.forced = this.#isForced(file.of);
    await this.#each(plan.formulas, formulas, this.#formula);
    await this.#each(plan.casks, casks, this.#cask);
    await this.#each(plan.linuxApps, linuxApps, this.#linuxApp);
    return plan;
  }

  async #each<Fresh extends Parameters<typeof filesOf>[0], Carried>(
    into: Planned<Fresh, Carried>,
    choices: readonly Choice[],
    planOne: (choice: Choice) => Promise<Outcome<Fresh, Carried>>,
  ): Promise<void> {
    const outcomes = await pMap(choices, (choice) => this.#attempt(choice, planOne), {
      concurrency: METADATA_REQUESTS,
    });
    for (const { planned, carried, skipped = [] } of outcomes) {
      if (planned) into.fresh.push(planned);
      for (const file of planned ? filesOf(planned) : []) file.forced = this.#isForced(file.of);
      if (carried) into.carried.push(carried);
      this.#plan.skipped.push(...skipped);
    }
  }

  async #attempt<Fresh, Carried>(
    choice: Choice,
    planOne: (choice: Choice) => Promise<Outcome<Fresh, Carried>>,
  ): Promise<Outcome<Fresh, Carried>> {
    try {
      return await planOne(choice);
    } catch (error) {
      return this.#leaveOut(choice.name, error);
    } finally {
      const { formulas, casks, linuxApps } = this.#selection;
      this.#done += 1;
      this.#options.onProgress(this.#done, formulas.length + casks.length + linuxApps.length);
    }
  }

  /** Of all that an upstream has, a few packages have names or versions that no file can have; nobody asked for those. */
  #leaveOut(name: string, error: unknown): Outcome<never, never> {
    if (!(error instanceof MirrorError)) throw error;
    const remark = { name, reason: messageOf(error) };
    const { request, keepGoing } = this.#options;
    if (request.all && !this.#named.has(name) && error.code === 'bad-input') return { skipped: [remark] };
    if (!keepGoing) throw error;
    this.#plan.failed.push(remark);
    return {};
  }

  readonly #formula = async ({ name, from, mirrored }: Choice) => {
    const { index, request } = this.#options;
    const found = this.#upstream.findFormula(name);
    const kept = await this.#carry(name, from, found, () => this.#carriedFormula(name, mirrored));
    if (kept) return { carried: kept, skipped: kept.entry ? lacksOf(name, kept.entry, request.tags) : [] };
    if (!found) return this.#gone(name);
    return mirrored ? planFormula(index, found, request.tags, this.#names) : listFormula(index, found);
  };

  /** A formula as it stands, unless brew has learnt of other names for its bottles since. */
  async #carriedFormula(name: string, mirrored: boolean): Promise<CarriedFormula | undefined> {
    const carried = await this.#options.carried?.formula(name, mirrored);
    const bottles = Object.values(carried?.entry?.bottles ?? {});
    return bottles.every(({ path, sha256 }) => this.#names.agrees(path, sha256)) ? carried : undefined;
  }

  readonly #cask = async ({ name, from, mirrored }: Choice) => {
    const { index, request, carried, sha256At } = this.#options;
    const found = this.#upstream.findCask(name);
    const kept = await this.#carry(name, from, found, () => carried?.cask(name, mirrored));
    if (kept) return { carried: kept };
    if (!found) return this.#gone(name);
    const { unchecked } = request;
    return mirrored ? planCask(index, found, { unchecked, before: sha256At }) : listCask(index, found);
  };

  readonly #linuxApp = async ({ name, from }: Choice) => {
    const { request, carried, sha256At } = this.#options;
    const found = this.#upstream.findLinuxApp(name);
    const kept = await this.#carry(name, from, found, () => carried?.linuxApp(name));
    if (kept) return { carried: kept, skipped: kept.entry?.appimage ? [] : [onlyDescribed(kept.row())] };
    if (!found) return this.#gone(name);
    return planLinuxApp(found, { unchecked: request.unchecked, before: sha256At });
  };

  /** What stays: what was chosen to, and what the upstream describes as it did when the mirror took it. */
  async #carry<Carried extends CarriedPackage<unknown, CarriedEntry>>(
    name: string,
    from: Choice['from'],
    found: { json_hash: string | null } | undefined,
    read: () => Promise<Carried | undefined> | undefined,
  ): Promise<Carried | undefined> {
    if (found && this.#isForced(name)) return undefined;
    const carried = await read();
    if (carried && from === 'mirror' && !found) this.#plan.kept.push(name);
    if (!carried || from === 'mirror') return carried;
    const isSame =
      found !== undefined && found.json_hash !== null && carried.upstreamHash === found.json_hash;
    return isSame && !mayChange(carried) ? carried : undefined;
  }

  #isForced(name: string): boolean {
    const { force } = this.#options;
    return force === 'all' || (force === 'named' && this.#named.has(name));
  }

  #gone(name: string): Outcome<never, never> {
    return { skipped: [{ name, reason: 'the upstream has it no more, and its files here are damaged' }] };
  }
}

/** A file without a checksum under a version that says nothing may be another one tomorrow. */
const mayChange = ({ entry }: CarriedPackage<unknown, CarriedEntry>): boolean =>
  entry?.unchecked === true && entry.version === LATEST;
