import { hasCode } from '../../format/errors.ts';
import { isPackageFile } from '../../format/layout.ts';
import { type Advisories, readAdvisories } from '../database/vulnerabilities.ts';
import { plannedFiles } from '../fetch/fetch.ts';
import { type FileState, packagesOf } from '../plan/changes.ts';
import { carriedFiles } from '../plan/plan.ts';
import type { Prepared, PrepareOptions } from '../prepare.ts';
import { prepareElsewhere, sizesAt } from '../preview.ts';
import { formulasOf, type MirrorState, vulnerabilitiesOf } from './state.ts';

/** The place of a plan. */
export const UPSTREAM = 'upstream';

/**
 * Returns what a mirror would have if it were updated from its upstream now. Asks the upstream for the sizes of files that are
 * not in `have`, by their SHA-256. Writes nothing into the mirror. Throws as `createMirror`.
 */
export async function planState(options: PrepareOptions, have: ReadonlySet<string>): Promise<MirrorState> {
  const prepared = await prepareElsewhere(options);
  try {
    const { plan, index } = prepared;
    const planned = plannedFiles(plan).map((file) => ({
      ...{ ...file, sha256: file.sha256 ?? file.before, on_demand: file.source !== undefined },
    }));
    const missing = planned.filter(
      ({ sha256, on_demand }) => !on_demand && (sha256 === undefined || !have.has(sha256)),
    );
    const sizes = await sizesAt(index.location, missing, options.reporter);
    const isOnDemand = (path: string): boolean => prepared.previous?.isOnDemand(path) ?? false;
    const sized = ({
      path,
      sha256,
      size = sizes.get(path),
      on_demand = isOnDemand(path),
    }: FileState): FileState => ({
      ...{ path, sha256, size, on_demand },
    });
    const packages = packagesOf(plan).map(({ files, ...item }) => ({
      ...item,
      files: Object.fromEntries(Object.entries(files).map(([slot, file]) => [slot, sized(file)])),
    }));
    const advisories = await upstreamAdvisories(prepared, formulasOf(packages));
    const files = [...planned, ...carriedFiles(plan).filter(({ path }) => isPackageFile(path))].map(sized);
    return {
      ...{ place: UPSTREAM, upstream: index.version, packages, decisions: plan.policy.decisions },
      files: [...new Map(files.map((file) => [file.path, file])).values()],
      vulnerabilities: advisories && vulnerabilitiesOf(packages, advisories),
      ...{ neededBy: plan.neededBy, skipped: plan.skipped, kept: plan.kept, warnings: [] },
    };
  } finally {
    await prepared.close();
  }
}

/** Returns the advisories that the mirror would have. */
async function upstreamAdvisories(
  { request, index }: Prepared,
  formulas: readonly { name: string }[],
): Promise<Advisories | undefined> {
  if (!request.vulnerabilities) return undefined;
  try {
    return readAdvisories(await index.vulnerabilities(), new Set(formulas.map(({ name }) => name)));
  } catch (error) {
    if (hasCode(error, 'not-found')) return undefined;
    throw error;
  }
}
