import { rm } from 'node:fs/promises';
import { hasCode, MirrorError } from '../format/errors.ts';
import { isPackageFile } from '../format/layout.ts';
import { DEFAULT_VALIDITY, type Manifest } from '../format/manifest.ts';
import { KINDS, type Kind } from '../format/packages/kinds.ts';
import type { Decision } from '../format/policy.ts';
import { isOwnFile, type SnapshotEntry } from '../format/snapshot/entry.ts';
import { diskMessage } from './directory/disk-error.ts';
import { withFolderToMake } from './directory/folder-to-make.ts';
import { upstreamFolder } from './directory/paths.ts';
import { type Dropped, type LeavingFiles, narrowingOf } from './dropped.ts';
import { type Amount, bringIn, type Failures, plannedFiles } from './fetch/fetch.ts';
import { bringImages } from './fetch/images.ts';
import { learnRedirects } from './fetch/learn-redirects.ts';
import { stageMetadata } from './index/metadata.ts';
import { type Change, changesOf, packagesOf } from './plan/changes.ts';
import { type BrewImage, carriedFiles, filesOf, type Plan, type Remark } from './plan/plan.ts';
import { type Prepared, type PrepareOptions, prepare } from './prepare.ts';
import { commitStage } from './snapshot/commit-stage.ts';
import { keepIncoming, rollForward } from './snapshot/journal.ts';
import { type SnapshotSigning, signSnapshot } from './snapshot/sign.ts';
import { staticFilesLeaving } from './snapshot/static-host.ts';

/** What `create` works with. */
export interface CreateOptions extends PrepareOptions, Omit<SnapshotSigning, 'validFor'> {
  /** Downloads at a time. */
  jobs: number;
}

/** What `create` did; with the number of packages of each kind. */
export interface CreateSummary extends Record<Kind['key'], number> {
  directory: string;
  version: number;
  /** Version of the snapshot that was continued. */
  previous_version: number | null;
  expires_at: string;
  files: number;
  /** Without the files on demand whose size is unknown. */
  bytes: number;
  /** Files on demand whose size is unknown. */
  of_unknown_size: number;
  downloaded: Amount;
  /** Taken from the other mirror. */
  linked: Amount;
  reused: number;
  /** Files that a server fetches when somebody asks for them. */
  on_demand: number;
  /** Packages that are new, gone, or of another version than in the previous snapshot. */
  changes: Change[];
  /** What was asked for or needed, and is not available upstream. */
  skipped: Remark[];
  /** What was left out because it could not be read this time. */
  failed: Remark[];
  /** Packages that are no longer available upstream. */
  kept: string[];
  /** What the mirror no longer has. */
  dropped: Dropped[];
  /** Package files that left the index. */
  remove: LeavingFiles;
  /** What the policy decided. */
  decisions: Decision[];
  /** The base of package URLs, when it is written into the files. */
  public_url: string | null;
}

/**
 * Makes or remakes a mirror: plans it, brings in missing files (checked against the upstream's hashes), writes and signs the
 * index and the snapshot, and commits all of it at once. Readers see the previous mirror until then.
 * Throws `unknown-package`, `upstream` with every file that failed, or `unreachable` if the network is all that failed them,
 * `locked`, `refused`, `usage` or `bad-input`.
 */
export async function createMirror(given: CreateOptions): Promise<CreateSummary> {
  const { directory, now } = given;
  const options = { ...given, trusted: [given.key.publicKey, ...given.trusted] };
  return withFolderToMake(directory, now, () => build(options));
}

async function build(options: CreateOptions): Promise<CreateSummary> {
  const { directory } = options;
  await rollForward(directory);
  const scratch = upstreamFolder(directory);
  await rm(scratch, { recursive: true, force: true });
  const prepared = await prepare(options, scratch);
  try {
    const { plan, listed, ...fetched } = await bringFiles(options, prepared);
    const { valid_for: validFor = DEFAULT_VALIDITY, keep_snapshots: keep } = prepared.request;
    const signing = { ...options, validFor };
    const manifest = await stageMetadata(signing, prepared, plan);
    const learned = await learnRedirects(listed, options);
    const made = await signSnapshot(signing, prepared.stage, prepared.previous, learned);
    const obsolete = staticFilesLeaving(prepared.own?.entries ?? [], prepared.stage);
    await commitStage(directory, prepared.stage, made, prepared.known, { keep, now: options.now, obsolete });
    const { version, expires_at, totals } = made.snapshot;
    return {
      ...{ directory, version, previous_version: prepared.previous?.version ?? null, expires_at },
      ...{ ...countsOf(manifest), ...totals, ...fetched },
      of_unknown_size: made.entries.filter((entry) => isOwnFile(entry) && entry.size === undefined).length,
      on_demand: made.entries.filter(isOnDemand).length,
      changes: changesOf(prepared.previous, plan),
      ...{ skipped: plan.skipped, failed: plan.failed, kept: plan.kept },
      ...narrowingOf({ ...prepared, plan }),
      decisions: plan.policy.decisions,
      public_url: prepared.request.public_url,
    };
  } finally {
    await prepared.close();
  }
}

const isOnDemand = (entry: SnapshotEntry): boolean =>
  isOwnFile(entry) && entry.source !== undefined && entry.until === undefined;

const countsOf = (manifest: Manifest): Record<Kind['key'], number> =>
  Object.fromEntries(KINDS.map(({ key }) => [key, manifest[key].count])) as Record<Kind['key'], number>;

/**
 * Brings in every file; returns the plan without packages that lack one. Throws as {@link incomplete} where that is not
 * allowed.
 */
async function bringFiles(
  options: CreateOptions,
  { index, api, plan: planned, previous, source, stage }: Prepared,
): Promise<{ plan: Plan; listed: string[] } & Pick<CreateSummary, 'downloaded' | 'linked' | 'reused'>> {
  const { directory, keepGoing, jobs, reporter } = options;
  const files = plannedFiles(planned);
  await keepIncoming(directory, new Set(files.flatMap(({ sha256 }) => sha256 ?? [])));
  const fetching = { directory, jobs, reporter, upstream: index.location, source };
  const { downloaded, linked, listed, failures } = await bringIn(fetching, files, stage);
  if (api && planned.images) {
    const images = { directory, source: api.source, previous, jobs, reporter };
    for (const [path, error] of await bringImages(images, planned.images, stage)) failures.set(path, error);
  }
  const plan = withoutFailed(planned, failures);
  if (failures.size > 0 && (!keepGoing || packagesOf(plan).length === 0)) {
    throw incomplete(failures, files.length, index.location.base.href);
  }
  // A package that lacks one file may have others.
  const needed = new Set([...plannedFiles(plan), ...carriedFiles(plan)].map(({ path }) => path));
  for (const { path } of files) if (!needed.has(path)) stage.drop(path);
  const paths = new Set(files.map(({ path }) => path));
  const stays = carriedFiles(planned).filter(({ path }) => isPackageFile(path) && !paths.has(path));
  const [later, here] = [stays.filter(({ path }) => previous?.isOnDemand(path)).length, stays.length];
  const reused =
    files.length - downloaded.files - linked.files - listed.length - failures.size + here - later;
  return { plan, listed, downloaded, linked, reused };
}

/** Returns the plan without the packages that lack a file. */
function withoutFailed(plan: Plan, failures: Failures): Plan {
  const reasonOf = (path: string): string => `${path}: ${diskMessage(failures.get(path))}`;
  const missing = plan.fresh.flatMap((item) => filesOf(item).filter(({ path }) => failures.has(path)));
  const remarks = missing.map(({ of, path }) => ({ name: of, reason: reasonOf(path) }));
  const images = plan.images?.filter((image) => isWhole(image, failures));
  const lost = (plan.images ?? []).filter(({ path }) => failures.has(path));
  const forBrew = lost.map(({ of, path }) => ({ name: of, reason: `for brew: ${reasonOf(path)}` }));
  return {
    ...plan,
    fresh: plan.fresh.filter((item) => filesOf(item).every(({ path }) => !failures.has(path))),
    images,
    failed: [...plan.failed, ...forBrew, ...remarks],
  };
}

/** True if brew can use the image. */
const isWhole = ({ path, bottles }: BrewImage, failures: Failures): boolean =>
  [path, ...bottles.map((bottle) => bottle.path)].every((needed) => !failures.has(needed));

function incomplete(failures: Failures, wanted: number, where: string): MirrorError {
  const message = `${failures.size} of ${wanted} files could not be fetched; the mirror is unchanged.`;
  const reasons = [...failures].map(([path, error]) => `${path}: ${diskMessage(error)}`).sort();
  const isNetwork = [...failures.values()].every((error) => hasCode(error, 'unreachable'));
  return new MirrorError(isNetwork ? 'unreachable' : 'upstream', [message, ...reasons].join('\n  '), {
    where,
  });
}
