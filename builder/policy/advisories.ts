import { SEVERITIES, type Severity } from '../../format/policy.ts';
import type { Advisories } from '../database/vulnerabilities.ts';
import { type AffectedVersions, isAffected, isAffectedByAny } from './affected.ts';

/** An advisory that is about a version. */
export interface KnownVulnerability {
  id: string;
  /** Absent where the database names none: a rule counts that as the highest. */
  severity: Severity | undefined;
  /** True where the database does not say clearly that the version is affected. */
  unclear: boolean;
}

/** A known vulnerability with what people read about it. */
export interface DescribedVulnerability extends KnownVulnerability {
  summary: string | undefined;
  /** The first version without it, if the advisory names one. */
  fixed: string | undefined;
}

/** An advisory, and which versions of one formula it is about. */
interface OwnAdvisory extends Pick<DescribedVulnerability, 'id' | 'severity' | 'summary'> {
  rows: AffectedVersions[];
}

/** The advisories about formulas, to be asked by version. */
export class KnownVulnerabilities {
  readonly #byFormula: ReadonlyMap<string, readonly OwnAdvisory[]>;

  constructor({ vulnerabilities, affected }: Advisories) {
    const known = new Map(vulnerabilities.map((advisory) => [advisory.id, advisory]));
    const byFormula = Map.groupBy(affected, ({ formula }) => formula);
    this.#byFormula = new Map(
      [...byFormula].map(([formula, own]) => {
        const byId = Map.groupBy(own, ({ vuln_id }) => vuln_id);
        const advisories = [...byId].map(([id, rows]): OwnAdvisory => {
          const { severity = null, summary = null } = known.get(id) ?? {};
          return { id, severity: severityOf(severity), summary: summary ?? undefined, rows };
        });
        return [formula, advisories];
      }),
    );
  }

  /** Returns what is known against a version of a formula, by id. */
  of(formula: string, version: string): KnownVulnerability[] {
    return this.describe(formula, version).map(({ id, severity, unclear }) => ({ id, severity, unclear }));
  }

  /** Returns the same as {@link of}, for people. */
  describe(formula: string, version: string): DescribedVulnerability[] {
    return (this.#byFormula.get(formula) ?? []).flatMap(({ rows, ...advisory }) => {
      const affected = isAffectedByAny(version, rows);
      if (affected === 'no') return [];
      const own = rows.find((row) => row.fixed_version && isAffected(version, row) !== 'no');
      return [{ ...advisory, unclear: affected === 'unclear', fixed: own?.fixed_version ?? undefined }];
    });
  }
}

const severityOf = (text: string | null): Severity | undefined =>
  SEVERITIES.find((severity) => severity === text?.toLowerCase());

/** Returns true for a severity that a rule keeps out. */
export const isAtLeast = (severity: Severity | undefined, lowest: Severity): boolean =>
  severity === undefined || SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(lowest);
