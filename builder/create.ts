import { mkdir, rmdir } from 'node:fs/promises';
import { MirrorError } from '../format/errors.ts';
import { isPackageFile } from '../format/layout.ts';
import type { SecretKey } from '../format/minisign/secret-key.ts';
import { filePathOf } from '../format/snapshot/entry.ts';
import { withLock } from './directory/lock.ts';
import { expectUsable } from './directory/mirror.ts';
import { upstreamFolder } from './directory/paths.ts';
import { type Amount, bringIn, plannedFiles } from './fetch/fetch.ts';
import { bringImages } from './fetch/images.ts';
import { stageMetadata } from './index/metadata.ts';
import type { BrewImage } from './plan/brew.ts';
import { type Change, changesBetween, packagesOf } from './plan/changes.ts';
import { carriedFiles, filesOf, type Plan, type Remark } from './plan/plan.ts';
import { type Prepared, type PrepareOptions, withPlan } from './plan/prepare.ts';
import { commit, keepIncoming, rollForward } from './snapshot/commit.ts';
import { stageSnapshot, staleMetadata } from './snapshot/sign.ts';

/** What `create` works with. */
export interface CreateOptions extends PrepareOptions {
  key: SecretKey;
  now: Date;
  /** Seconds until the snapshot expires. */
  validFor: number;
  /** Downloads at a time. */
  jobs: number;
}

/** What `create` did. */
export interface CreateSummary {
  directory: string;
  version: number;
  /** Version of the snapshot that was carried on from. */
  previous_version: number | null;
  expires_at: string;
  formulas: number;
  casks: number;
  linux_apps: number;
  files: number;
  bytes: number;
  downloaded: Amount;
  /** Taken from the other mirror. */
  linked: Amount;
  reused: number;
  /** Packages that came, went or have another version than in the previous snapshot. */
  changes: Change[];
  /** What was asked for or needed and is not here, as the upstream does not have it so. */
  skipped: Remark[];
  /** What was left out because it could not be had this time. */
  failed: Remark[];
  /** Packages that the upstream has no more. */
  kept: string[];
  /** Where package URLs point, when they are written into the files. */
  public_url: string | null;
}

/**
 * Makes or remakes a mirror: plans, brings in what is missing (checked against the upstream's hashes), writes and signs
 * the index and the snapshot, and commits all of it at once. Readers see the previous mirror until then.
 * Throws `unknown-package`, `upstream` with every file that failed, `locked`, `refused`, `usage` or `bad-input`.
 */
export async function createMirror(given: CreateOptions): Promise<CreateSummary> {
  const { directory, now } = given;
  const options = { ...given, trusted: [given.key.publicKey, ...given.trusted] };
  await expectUsable(directory);
  const made = await mkdir(directory, { recursive: true });
  const summary = withLock(directory, now, async () => {
    await rollForward(directory);
    return withPlan(options, upstreamFolder(directory), (prepared) => build(options, prepared));
  });
  // What failed before anything came of it leaves no folder behind; with anything in it, it stays.
  return summary.catch(async (error: unknown) => {
    if (made !== undefined) await rmdir(directory).catch(() => undefined);
    throw error;
  });
}

async function build(options: CreateOptions, prepared: Prepared): Promise<CreateSummary> {
  const { directory } = options;
  const { request, previous, staging, known } = prepared;
  const { plan, downloaded, linked, reused } = await bringFiles(options, prepared);
  const manifest = await stageMetadata(options, { ...prepared, plan });
  const { snapshot, entries } = await stageSnapshot(options, staging, previous);
  await commit(directory, { writes: staging.writes, removes: await staleMetadata(directory, staging) });
  await known.save(entries.map((entry) => ({ path: filePathOf(entry), digest: entry })));
  return {
    directory,
    version: snapshot.version,
    previous_version: previous?.version ?? null,
    expires_at: snapshot.expires_at,
    formulas: manifest.formulas.count,
    casks: manifest.casks.count,
    linux_apps: manifest.linux_apps.count,
    files: snapshot.totals.files,
    bytes: snapshot.totals.bytes,
    downloaded,
    linked,
    reused,
    changes: changesBetween(previous, plan),
    skipped: plan.skipped,
    failed: plan.failed,
    kept: plan.kept,
    public_url: request.public_url,
  };
}

/** Brings in every file; gives the plan without what cannot be had. Throws `upstream` where that is not allowed. */
async function bringFiles(
  options: CreateOptions,
  prepared: Prepared,
): Promise<{ plan: Plan } & Pick<CreateSummary, 'downloaded' | 'linked' | 'reused'>> {
  const { directory, keepGoing } = options;
  const { index, staging, source } = prepared;
  const files = plannedFiles(prepared.plan);
  await keepIncoming(directory, new Set(files.flatMap(({ sha256 }) => sha256 ?? [])));
  const fetching = { ...options, upstream: index.location, source };
  const { downloaded, linked, failures } = await bringIn(fetching, files, staging);
  for (const [path, reason] of await imagesFor(options, prepared)) failures.set(path, reason);
  const planned = new Set(files.map(({ path }) => path));
  const stays = carriedFiles(prepared.plan).filter(({ path }) => isPackageFile(path) && !planned.has(path));
  const plan = withoutFailed(prepared.plan, failures);
  if (failures.size > 0 && (!keepGoing || packagesOf(plan).length === 0)) {
    throw incomplete(failures, files.length, index.location.base.href);
  }
  // A package may lack one file and have others.
  const needed = new Set([...plannedFiles(plan), ...carriedFiles(plan)].map(({ path }) => path));
  for (const path of planned) if (!needed.has(path)) staging.drop(path);
  const reused = files.length - downloaded.files - linked.files - failures.size + stays.length;
  return { plan, downloaded, linked, reused };
}

/** Brings in what describes bottles to brew; tells what failed by path. */
async function imagesFor(
  { directory, jobs, reporter }: CreateOptions,
  { api, plan, previous, staging }: Prepared,
): Promise<Map<string, string>> {
  if (!api || !plan.brew) return new Map();
  return bringImages({ directory, source: api.source, previous, jobs, reporter }, plan.brew.images, staging);
}

/** The plan without the packages that a file is missing of. */
function withoutFailed(plan: Plan, failures: ReadonlyMap<string, string>): Plan {
  const failed = [...plan.failed];
  const whole = <Item extends Parameters<typeof filesOf>[0]>(items: Item[]): Item[] =>
    items.filter((item) => {
      const missing = filesOf(item).filter(({ path }) => failures.has(path));
      for (const { of, path } of missing) failed.push({ name: of, reason: `${path}: ${failures.get(path)}` });
      return missing.length === 0;
    });
  const { formulas, casks, linuxApps, brew } = plan;
  return {
    ...plan,
    brew: brew && { images: brew.images.filter((image) => isWhole(image, failures, failed)) },
    formulas: { ...formulas, fresh: whole(formulas.fresh) },
    casks: { ...casks, fresh: whole(casks.fresh) },
    linuxApps: { ...linuxApps, fresh: whole(linuxApps.fresh) },
    failed,
  };
}

/** Whether brew can be served an image; says why not, where stout is served all the same. */
function isWhole(
  { of, path, bottles }: BrewImage,
  failures: ReadonlyMap<string, string>,
  failed: Remark[],
): boolean {
  const reason = failures.get(path);
  if (reason !== undefined) failed.push({ name: of, reason: `for brew: ${path}: ${reason}` });
  return reason === undefined && bottles.every((bottle) => !failures.has(bottle.path));
}

function incomplete(failures: ReadonlyMap<string, string>, wanted: number, where: string): MirrorError {
  const message = `${failures.size} of ${wanted} files could not be fetched; the mirror is unchanged.`;
  const reasons = [...failures].map(([path, reason]) => `${path}: ${reason}`).sort();
  return new MirrorError('upstream', [message, ...reasons].join('\n  '), { where });
}
