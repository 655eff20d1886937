import type { Decision } from '../../format/policy.ts';
import type { PackageName } from './closure.ts';

/** How a package was asked for. */
export interface AskedFor {
  /** The name that was written, which may be an alias; absent for one of all. */
  as?: string;
  /** A file and line, or an option; absent for the command line. */
  place?: string;
}

/** Why one package needs the next. `requirement` is what a cask needs. */
export type Reason = 'runtime' | 'recommended' | 'build' | 'test' | 'requirement';

/** A package, and why it needs the next one on the way. */
export interface Step extends PackageName {
  reason: Reason;
}

/** Why a package is in a mirror, or is not. */
export interface Explanation extends PackageName {
  in_mirror: boolean;
  /** Absent for what is not in the mirror, and for what only brew gets. */
  version?: string;
  asked_for?: AskedFor;
  /** The shortest way from something that was asked for; empty where nothing needs it. */
  needed_by: Step[];
  /** How the first package on that way was asked for. */
  root_asked_for?: AskedFor;
  /** Number of packages in the mirror that need it, besides the last on that way. */
  other_dependents: number;
  /** True for the Ruby that brew runs on. */
  brews_ruby: boolean;
  /** True if the index lists it without its files. */
  listed_only: boolean;
  /** What the policy decided about it. */
  decisions: Decision[];
  /** Versions that were withdrawn and do not come back by themselves. */
  withdrawn: string[];
}

/** Why a mirror has a package, or does not: one explanation for each kind that has the name. */
export interface Answer {
  name: string;
  in_mirror: boolean;
  packages: Explanation[];
  /** Names in the mirror that may have been meant, if it has nothing of that name. */
  near: string[];
}

/** True if an explanation says why the package is in the mirror. */
export const hasReason = ({ asked_for, needed_by, brews_ruby }: Explanation): boolean =>
  asked_for !== undefined || needed_by.length > 0 || brews_ruby;
