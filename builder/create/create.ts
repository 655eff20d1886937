import { mkdir, rmdir } from 'node:fs/promises';
import type { Manifest, MirrorRequest } from '../../format/manifest.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { commit, keepIncoming, rollForward } from '../directory/commit.ts';
import { KnownFiles } from '../directory/known-files.ts';
import { withLock } from '../directory/lock.ts';
import { expectUsable } from '../directory/mirror.ts';
import { upstreamFolder } from '../directory/paths.ts';
import { makePlan, type Plan } from '../plan/plan.ts';
import type { Reporter } from '../reporter.ts';
import type { UpstreamLocation } from '../upstream/location.ts';
import { StoutIndex } from '../upstream/stout-index.ts';
import { bringIn, plannedFiles } from './fetch.ts';
import { stageMetadata } from './metadata.ts';
import { type Previous, readPrevious } from './previous.ts';
import { stageSnapshot, staleMetadata } from './snapshot.ts';
import { Staging } from './staging.ts';

/** What `create` works with. */
export interface CreateOptions {
  directory: string;
  request: MirrorRequest;
  upstream: UpstreamLocation;
  key: SecretKey;
  /** Keys, besides `key`, whose snapshots are carried on from: those signed with before. */
  trusted: readonly PublicKey[];
  now: Date;
  /** Seconds until the snapshot expires. */
  validFor: number;
  /** Downloads at a time. */
  jobs: number;
  reporter: Reporter;
}

/** What `create` did. */
export interface CreateSummary {
  directory: string;
  version: number;
  expires_at: string;
  formulas: number;
  casks: number;
  files: number;
  bytes: number;
  downloaded: { files: number; bytes: number };
  reused: number;
  /** Packages of the previous snapshot that this one no longer has. */
  dropped: string[];
  skipped: Plan['skipped'];
}

/**
 * Makes or remakes a mirror: plans, brings in what is missing (checked against the upstream's hashes), writes and signs
 * the index and the snapshot, and commits all of it at once. Readers see the previous mirror until then.
 * Throws `unknown-package`, `upstream` with every file that failed, `locked`, `refused` or `bad-input`.
 */
export async function createMirror(options: CreateOptions): Promise<CreateSummary> {
  const { directory, now, reporter } = options;
  await expectUsable(directory);
  const made = await mkdir(directory, { recursive: true });
  const summary = withLock(directory, now, async () => {
    await rollForward(directory);
    const previous = await readPrevious(directory, [options.key.publicKey, ...options.trusted], reporter);
    const index = await StoutIndex.open(options.upstream, upstreamFolder(directory));
    try {
      const plan = await makePlan(index, planRequest(options.request), (done, total) =>
        reporter.progress({ label: 'Reading package data', done, total, bytes: 0 }),
      );
      return await build(options, index, plan, previous);
    } finally {
      await index.close();
    }
  });
  // What failed before anything came of it leaves no folder behind; with anything in it, it stays.
  return summary.catch(async (error: unknown) => {
    if (made !== undefined) await rmdir(directory).catch(() => undefined);
    throw error;
  });
}

const planRequest = (request: MirrorRequest) => ({
  formulas: request.packages,
  casks: request.casks,
  tags: request.tags,
  dependencies: request.dependencies,
  devDependencies: request.dev_dependencies,
});

async function build(
  options: CreateOptions,
  index: StoutIndex,
  plan: Plan,
  previous: Previous | undefined,
): Promise<CreateSummary> {
  const { directory } = options;
  const known = await KnownFiles.load(directory);
  const staging = new Staging(directory, known);
  const files = plannedFiles(plan);
  await keepIncoming(directory, new Set(files.map((file) => file.sha256)));
  const fetched = await bringIn(options, files, staging);
  const manifest = await stageMetadata(options, index, plan, staging, previous);
  const snapshot = await stageSnapshot(options, staging, previous);
  await commit(directory, { writes: staging.writes, removes: await staleMetadata(directory, staging) });
  await known.save([...staging.files].map(([path, digest]) => ({ path, digest })));
  return {
    directory,
    version: snapshot.version,
    expires_at: snapshot.expires_at,
    formulas: manifest.formulas.count,
    casks: manifest.casks.count,
    files: snapshot.totals.files,
    bytes: snapshot.totals.bytes,
    downloaded: fetched,
    reused: files.length - fetched.files,
    dropped: droppedPackages(manifest, previous?.manifest),
    skipped: plan.skipped,
  };
}

function droppedPackages(now: Manifest, before: Manifest | undefined): string[] {
  if (!before) return [];
  const kept = (kind: 'formulas' | 'casks', name: string): boolean => Object.hasOwn(now[kind].packages, name);
  return [
    ...Object.keys(before.formulas.packages).filter((name) => !kept('formulas', name)),
    ...Object.keys(before.casks.packages).filter((name) => !kept('casks', name)),
  ].sort();
}
