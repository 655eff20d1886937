import { SEVERITIES, type Severity } from '../../format/policy.ts';
import type { Advisories } from '../database/vulnerabilities.ts';
import { type AffectedVersions, isAffected } from './affected.ts';

/** An advisory that is about a version. */
export interface KnownVulnerability {
  id: string;
  /** Absent where the database names none: a rule counts that as the highest. */
  severity: Severity | undefined;
  /** True where the database does not say clearly that the version is affected. */
  unclear: boolean;
}

/** The advisories about formulas, to be asked by version. */
export class KnownVulnerabilities {
  readonly #byFormula = new Map<string, (AffectedVersions & Pick<KnownVulnerability, 'id' | 'severity'>)[]>();

  constructor({ vulnerabilities, affected }: Advisories) {
    const severities = new Map(vulnerabilities.map(({ id, severity }) => [id, severityOf(severity)]));
    for (const { vuln_id: id, formula, affected_versions, fixed_version } of affected) {
      const known = this.#byFormula.get(formula) ?? [];
      known.push({ id, severity: severities.get(id), affected_versions, fixed_version });
      this.#byFormula.set(formula, known);
    }
  }

  /** Returns what is known against a version of a formula, by id. */
  of(formula: string, version: string): KnownVulnerability[] {
    const found = new Map<string, KnownVulnerability>();
    for (const { id, severity, ...versions } of this.#byFormula.get(formula) ?? []) {
      const affected = isAffected(version, versions);
      if (affected !== 'no') found.set(id, { id, severity, unclear: affected === 'unclear' });
    }
    return [...found.values()];
  }
}

const severityOf = (text: string | null): Severity | undefined =>
  SEVERITIES.find((severity) => severity === text?.toLowerCase());

/** Returns true for a severity that a rule keeps out. */
export const isAtLeast = (severity: Severity | undefined, lowest: Severity): boolean =>
  severity === undefined || SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(lowest);
