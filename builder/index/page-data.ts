import { VULNERABILITIES } from '../../format/layout.ts';
import type { Row } from '../../format/packages/kind.ts';
import { NO_DECISIONS } from '../../format/policy.ts';
import { DatabaseReader } from '../database/reader.ts';
import { type Advisories, readAdvisories } from '../database/vulnerabilities.ts';
import { ownFile } from '../directory/paths.ts';
import { packagesIn } from '../plan/changes.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import type { Stage } from '../snapshot/stage.ts';
import { readChanges, type StateBefore, stageChanges } from './changes.ts';
import type { IndexContext } from './context.ts';
import { type DescribedPackages, entriesByKind, formulaNames } from './packages.ts';
import { keepRecords, type RecordSources, stageRecords } from './records.ts';

/**
 * Stages what pages show: the record of each package, and what changed since `previous`. `brew` are the rows of bottles for
 * brew. `isSame` is true if all packages are as in `previous`.
 */
export async function stagePageData(
  context: Pick<IndexContext, 'stage' | 'now'>,
  described: readonly DescribedPackages[],
  { brew = [], ...sources }: RecordSources & { brew: readonly Row[] | undefined },
  previous: SignedMirror | undefined,
  isSame: boolean,
): Promise<void> {
  const { stage } = context;
  const before = isSame && previous ? await sourcesOf(previous, stage, formulaNames(described)) : undefined;
  const isKept = before && previous && (await keepRecords(stage, previous, { before, now: sources }));
  if (!isKept) await stageRecords(stage, described, brew, sources);
  const listed = described.flatMap((packages) => packages.listed);
  await stageChanges(context, previous && (await stateOf(previous, isSame)), {
    // What stays need not be compared.
    packages: isSame ? [] : packagesIn(listed, entriesByKind(described)),
    decisions: sources.decisions,
  });
}

const stateOf = async (mirror: SignedMirror, isSame: boolean): Promise<StateBefore> => ({
  version: mirror.version,
  packages: isSame ? [] : packagesIn(mirror.packages, mirror.manifest),
  decisions: mirror.policy === NO_DECISIONS ? undefined : mirror.policy.decisions,
  changes: await readChanges(mirror),
});

/** Returns what the records of a mirror say besides its databases; `undefined` where that is damaged. */
async function sourcesOf(
  mirror: SignedMirror,
  stage: Stage,
  formulas: ReadonlySet<string>,
): Promise<RecordSources | undefined> {
  const { manifest, policy } = mirror;
  const sha256 = mirror.sha256At(VULNERABILITIES);
  if (!manifest || (sha256 !== undefined && !(await stage.holds(VULNERABILITIES, sha256)))) return undefined;
  const advisories = sha256 === undefined ? undefined : readOwnAdvisories(mirror, formulas);
  return { request: manifest.request, decisions: policy.decisions, advisories };
}

function readOwnAdvisories({ directory }: SignedMirror, formulas: ReadonlySet<string>): Advisories {
  const reader = DatabaseReader.open(ownFile(directory, VULNERABILITIES), VULNERABILITIES);
  try {
    return readAdvisories(reader, formulas);
  } finally {
    reader.close();
  }
}
