import {
  type Changes,
  encodeChanges,
  NO_CHANGES,
  type PackageChange,
  parseChanges,
  withSnapshot,
} from '../../format/changes.ts';
import { MirrorError } from '../../format/errors.ts';
import { CHANGES } from '../../format/layout.ts';
import type { Decision } from '../../format/policy.ts';
import { nextVersion } from '../../format/snapshot/build.ts';
import { changesBetween, type PackageState } from '../plan/changes.ts';
import { packageKey } from '../plan/closure.ts';
import { readAsListed, type SignedMirror } from '../snapshot/signed-mirror.ts';
import type { Stage } from '../snapshot/stage.ts';

/** What a snapshot says of its packages. */
export interface SnapshotState {
  packages: readonly PackageState[];
  decisions: readonly Decision[];
}

/** The snapshot before the one to come, as far as it is known. */
export interface StateBefore extends Omit<SnapshotState, 'decisions'> {
  /** `undefined` where nobody knows, since the document is damaged. */
  decisions: readonly Decision[] | undefined;
  version: number;
  /** What it remembers. */
  changes: Changes;
}

/** Stages changes.json: what the snapshot before remembers, and what is different in the one to come. */
export async function stageChanges(
  { stage, now }: { stage: Stage; now: Date },
  before: StateBefore | undefined,
  after: SnapshotState,
): Promise<void> {
  const seconds = Math.floor(now.getTime() / 1000);
  const version = nextVersion(before?.version ?? 0, seconds);
  const packages = [...changedPackages(before, after), ...newlyHeld(before, after)];
  const next = { version, created_at: seconds, packages };
  await stage.put(CHANGES, encodeChanges(withSnapshot(before?.changes ?? NO_CHANGES, next)));
}

const changedPackages = (
  before: Pick<SnapshotState, 'packages'> | undefined,
  after: SnapshotState,
): PackageChange[] =>
  changesBetween(before?.packages ?? [], after.packages).map(({ kind, name, from, to }) => ({
    ...{ kind, name },
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }));

/** Returns the versions that a policy keeps out now and did not before; none where it is not known what it kept out before. */
function newlyHeld(before: StateBefore | undefined, { decisions }: SnapshotState): PackageChange[] {
  if (before && !before.decisions) return [];
  const key = (decision: Decision): string => `${packageKey(decision)} ${decision.version}`;
  const isHeld = ({ outcome }: Decision): boolean => outcome === 'held';
  const known = new Set(before?.decisions?.filter(isHeld).map(key));
  const fresh = decisions.filter((one) => isHeld(one) && !known.has(key(one)));
  // Several rules may hold one version.
  return [...new Map(fresh.map((one) => [key(one), one])).values()].map(({ kind, name, version }) => ({
    ...{ kind, name, held: version },
  }));
}

/** Returns what a mirror remembers; nothing where it does not say, or its document is damaged. */
export async function readChanges({ directory, entries }: SignedMirror): Promise<Changes> {
  if (!entries.some(({ name }) => name === CHANGES)) return NO_CHANGES;
  try {
    return parseChanges(await readAsListed(directory, entries, CHANGES));
  } catch (error) {
    if (error instanceof MirrorError && error.code !== 'refused') return NO_CHANGES;
    throw error;
  }
}
