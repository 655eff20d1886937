import { isoSeconds } from '../../format/iso-seconds.ts';
import type { KindId } from '../../format/packages/kinds.ts';
import type { Decision, Policy, Rule, Waiver } from '../../format/policy.ts';
import { isAtLeast, type KnownVulnerabilities } from './advisories.ts';

/** Longer versions are cut in what is published. */
const MAX_VERSION = 200;
/** More advisories are counted. */
const SHOWN = 5;

/** Returns a version as policy.json has it. */
export const shownVersion = (version: string): string => version.slice(0, MAX_VERSION);

/** One version of a package that may be taken. */
export interface Version {
  version: string;
  /** Of a kind that declares licences; `null` where this package declares none, absent for other kinds. */
  license?: string | null | undefined;
}

/** A version at the upstream. */
export interface Offered extends Version {
  /** True where the mirror has another version, or other files, or nothing of the package. */
  changed: boolean;
  /** True for the version that the mirror has, of a file that nothing identifies: it may be another one by now. */
  unknowable?: boolean;
  /** When its age counts from, Unix seconds; absent where nobody knows. */
  born?: number | undefined;
}

/** A package, and the versions that a mirror may have of it. */
export interface Candidate {
  kind: KindId;
  name: string;
  upstream?: Offered | undefined;
  /** The version that the mirror has, and can keep. */
  mirror?: Version | undefined;
  /** The version that the mirror has, even if it cannot keep it: its files may be damaged. */
  has?: string | undefined;
}

/** A policy with what it takes to apply it. */
export interface Rules {
  policy: Policy;
  /** Unix seconds. */
  now: number;
  /** The names that a rule lists, in the form that packages have. */
  named: { hold: ReadonlySet<string>; deny: ReadonlySet<string>; waivers: readonly Waiver[] };
  advisories: KnownVulnerabilities | undefined;
  isLicensed: (license: string) => boolean;
}

/** Why a rule keeps a version out. */
export type Block = Pick<Decision, 'rule' | 'reason' | 'until' | 'needs'>;

/** What the rules say of one version by itself: what keeps it out, or how it came in. */
export interface Verdict {
  block?: Block;
  passed: Pick<Decision, 'rule' | 'outcome' | 'reason' | 'until'>[];
}

type Finding = (Omit<Block, 'rule'> & { isNote?: boolean }) | undefined;
type Side = 'upstream' | 'mirror';

/** The rules in the order in which they decide. */
const CHECKS: Record<Rule, (rules: Rules, candidate: Candidate, side: Side) => Finding> = {
  deny: ({ named }, { name }) =>
    named.deny.has(name) ? { reason: 'it is on the list of denied packages' } : undefined,
  hold,
  licenses,
  vulnerabilities,
  'min-age': minAge,
};

/** Judges one version of a package, whatever it needs. The first rule that keeps it out decides, unless a waiver is valid. */
export function judge(rules: Rules, candidate: Candidate, side: Side): Verdict {
  const passed: Verdict['passed'] = [];
  for (const rule of Object.keys(CHECKS) as Rule[]) {
    const found = CHECKS[rule](rules, candidate, side);
    if (!found) continue;
    const { isNote, ...finding } = found;
    if (isNote) {
      passed.push({ rule, outcome: 'noted', ...finding });
      continue;
    }
    const waivers = rules.named.waivers.filter(
      (item) => item.package === candidate.name && item.rule === rule,
    );
    const last = waivers.toSorted((a, b) => b.until - a.until)[0];
    if (!last || last.until <= rules.now) return { block: { rule, ...withLapsed(finding, last) }, passed };
    passed.push({ rule, outcome: 'waived', reason: `${last.reason} (${finding.reason})`, until: last.until });
  }
  return { passed };
}

const withLapsed = <F extends { reason: string }>(finding: F, waiver: Waiver | undefined): F =>
  waiver
    ? { ...finding, reason: `${finding.reason}; its waiver lapsed at ${isoSeconds(waiver.until)}` }
    : finding;

function hold({ named }: Rules, { name, upstream, mirror, has }: Candidate, side: Side): Finding {
  if (!named.hold.has(name) || side === 'mirror' || has === undefined) return undefined;
  if (!upstream?.changed && !upstream?.unknowable) return undefined;
  const damaged = mirror ? '' : ', whose files here cannot be used any more';
  return { reason: `it is held at ${has}${damaged}` };
}

function licenses({ policy, isLicensed }: Rules, candidate: Candidate, side: Side): Finding {
  const license = candidate[side]?.license;
  if (!policy.licenses || license === undefined) return undefined;
  if (license === null) return { reason: 'it declares no licence' };
  return isLicensed(license) ? undefined : { reason: `its licence is not allowed: ${license.slice(0, 200)}` };
}

function vulnerabilities({ policy, advisories }: Rules, candidate: Candidate, side: Side): Finding {
  const lowest = policy.vulnerabilities;
  const version = candidate[side]?.version;
  if (lowest === undefined || version === undefined || candidate.kind !== 'formula') return undefined;
  const known = advisories?.of(candidate.name, version) ?? [];
  const found = known.filter(({ severity }) => isAtLeast(severity, lowest));
  if (found.length === 0) return undefined;
  const texts = found.map(({ id, severity, unclear }) => {
    const doubt = unclear ? ', and it is unclear whether this version is affected' : '';
    return `${id} (${severity ?? 'of unknown severity'}${doubt})`;
  });
  return { reason: `known vulnerabilities: ${shownList(texts)}` };
}

const shownList = (texts: readonly string[]): string => {
  const shown = texts.slice(0, SHOWN).map((text) => text.slice(0, 200));
  return [...shown, ...(texts.length > SHOWN ? [`and ${texts.length - SHOWN} more`] : [])].join(', ');
};

/** A version that fixes what is known against the mirror's does not wait. */
function minAge({ policy, now, advisories }: Rules, candidate: Candidate, side: Side): Finding {
  const { kind, name, upstream, has } = candidate;
  if (policy.min_age === undefined || side === 'mirror' || !upstream?.changed) return undefined;
  if (upstream.born === undefined) return { isNote: true, reason: 'nothing says when it was built' };
  const until = upstream.born + policy.min_age;
  if (until <= now) return undefined;
  if (has !== undefined && advisories && kind === 'formula') {
    const still = new Set(advisories.of(name, upstream.version).map(({ id }) => id));
    const fixed = advisories.of(name, has).filter(({ id }) => !still.has(id));
    const ids = shownList(fixed.map(({ id }) => id));
    if (ids !== '') return { isNote: true, reason: `it fixes ${ids} of ${has}, so it does not wait` };
  }
  const age = has !== undefined ? 'first seen' : 'built';
  return { until, reason: `it is too new: ${age} at ${isoSeconds(upstream.born)}` };
}
