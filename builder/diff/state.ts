import type { Decision } from '../../format/policy.ts';
import type { Root } from '../../format/snapshot/root.ts';
import type { Advisories } from '../database/vulnerabilities.ts';
import type { FileState, PackageState } from '../plan/changes.ts';
import type { NeededBy } from '../plan/closure.ts';
import type { Remark } from '../plan/plan.ts';
import { KnownVulnerabilities, type KnownVulnerability } from '../policy/advisories.ts';

/** A known vulnerability of a package in some version. */
export interface Vulnerability extends KnownVulnerability {
  formula: string;
  version: string;
}

/** Which snapshot a state is, and who signed it. */
export interface SnapshotHead extends Pick<Root, 'mirror' | 'version' | 'created_at' | 'expires_at'> {
  /** Id of the key. */
  signed_by: string;
}

/** What a mirror has: as it is signed somewhere, or as it would be if it were made from its upstream now. */
export interface MirrorState {
  /** The folder, URL or snapshot as it was named, without credentials. */
  place: string;
  /** Absent for a plan. */
  snapshot?: SnapshotHead;
  /** The upstream's name for its state, of a plan. */
  upstream?: string;
  packages: readonly PackageState[];
  /** The distinct files of packages, those for brew too. */
  files: readonly FileState[];
  decisions: readonly Decision[];
  /** Absent where there is no vulnerability database. */
  vulnerabilities: readonly Vulnerability[] | undefined;
  /** Of a plan: who needs each package that was not asked for. */
  neededBy?: NeededBy;
  /** Of a plan: what is not available upstream, and what stays all the same. */
  skipped: readonly Remark[];
  kept: readonly string[];
  /** What to know before relying on it: that it has expired, for example. */
  warnings: readonly string[];
}

/** Returns what is known against the formulas among some packages. */
export function vulnerabilitiesOf(
  packages: readonly PackageState[],
  advisories: Advisories,
): readonly Vulnerability[] {
  const known = new KnownVulnerabilities(advisories);
  return formulasOf(packages).flatMap(({ name: formula, version }) =>
    known.of(formula, version).map((found) => ({ ...found, formula, version })),
  );
}

/** Returns the formulas among some packages: advisories are about nothing else. */
export const formulasOf = (packages: readonly PackageState[]): PackageState[] =>
  packages.filter(({ kind }) => kind === 'formula');
