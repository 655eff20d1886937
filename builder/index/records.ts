import { isDeepStrictEqual } from 'node:util';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { encodeRecords, isRecords, type PackageRecord, recordsPath } from '../../format/package-record.ts';
import { formula } from '../../format/packages/formula.ts';
import type { Row } from '../../format/packages/kind.ts';
import { byKind, KINDS } from '../../format/packages/kinds.ts';
import type { Decision } from '../../format/policy.ts';
import { isOwnFile } from '../../format/snapshot/entry.ts';
import type { Advisories } from '../database/vulnerabilities.ts';
import { GENERATOR } from '../generator.ts';
import { type AskedPackages, askedFor } from '../plan/asked-for.ts';
import { DEVELOPMENT_TYPES, type PackageName, packageKey, RUNTIME_TYPES } from '../plan/closure.ts';
import { KnownVulnerabilities } from '../policy/advisories.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import type { Stage } from '../snapshot/stage.ts';
import { dependenciesOf, dependentsOf, type KnownPackage, knownPackages } from './known-packages.ts';
import type { DescribedPackages } from './packages.ts';

/** What records say besides what is in the databases. */
export interface RecordSources {
  request: MirrorRequest;
  decisions: readonly Decision[];
  /** Those that are in the mirror; absent without a vulnerability database. */
  advisories: Advisories | undefined;
}

/** Stages the records of all packages of a mirror, of the rows that its databases have and `brew`, those for brew. */
export async function stageRecords(
  stage: Stage,
  described: readonly DescribedPackages[],
  brew: readonly Row[],
  sources: RecordSources,
): Promise<void> {
  const byName = Map.groupBy(recordsOf(described, brew, sources), ({ name }) => name);
  const files = Map.groupBy(byName, ([name]) => recordsPath(sha256Hex(utf8(name))));
  for (const [path, records] of files) await stage.put(path, encodeRecords(Object.fromEntries(records)));
}

/**
 * Stages the records of the mirror so far, if its packages stay, all else that they say does too, and this version of the program
 * wrote them; returns whether that is so.
 */
export async function keepRecords(
  stage: Stage,
  previous: SignedMirror,
  { before, now }: { before: RecordSources; now: RecordSources },
): Promise<boolean> {
  if (!isDeepStrictEqual(previous.manifest?.generator, GENERATOR)) return false;
  // As JSON has them, in which what is absent is not written.
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(now)), JSON.parse(JSON.stringify(before)))) return false;
  const files = previous.entries.filter(
    (entry) => isOwnFile(entry) && entry.until === undefined && isRecords(entry.name),
  );
  const kept = await Promise.all(files.map(({ name, sha256 }) => stage.keep(name, sha256)));
  if (files.length > 0 && !kept.includes(undefined)) return true;
  for (const { name } of files) stage.drop(name);
  return false;
}

/** Returns the records of all packages, each name's in the order of the kinds. */
function recordsOf(
  described: readonly DescribedPackages[],
  brew: readonly Row[],
  { request, decisions, advisories }: RecordSources,
): PackageRecord[] {
  const packages = knownPackages(described, brew);
  const names = byKind(({ id }) => packages.all.flatMap(({ kind, name }) => (kind === id ? [name] : [])));
  const asked = askedFor(request, { find: packages.find, names: (kind) => names[kind] });
  const dependencies = new Map(
    packages.all.map((item) => [packageKey(item), dependenciesOf(item, packages)]),
  );
  const neededBy = dependentsOf(packages.all, dependencies, RUNTIME_TYPES);
  const isAsked = (item: PackageName): boolean => asked.has(packageKey(item));
  const toBuild = dependentsOf(packages.all.filter(isAsked), dependencies, DEVELOPMENT_TYPES);
  const decided = Map.groupBy(decisions, packageKey);
  const known = advisories && new KnownVulnerabilities(advisories);
  const records = packages.all.map((item): PackageRecord => {
    const key = packageKey(item);
    return {
      ...{ kind: item.kind, name: item.name, ...item.facts },
      // A name of a file from which nobody can read it.
      version: item.facts.version || undefined,
      ...(item.isUnchecked ? { unchecked: true } : {}),
      dependencies: dependencies.get(key) ?? [],
      needed_by: neededBy.get(key) ?? [],
      ...(toBuild.has(key) ? { needed_to_build: toBuild.get(key) } : {}),
      ...askedForIn(asked, item),
      ...(known && item.kind === formula.id && !item.isForBrew ? vulnerabilitiesIn(known, item) : {}),
      decisions: decided.get(key) ?? [],
    };
  });
  const here = new Set(packages.all.map(packageKey));
  const out = [...decided].flatMap(([key, own]) => (here.has(key) ? [] : keptOut(own, asked)));
  const order = KINDS.map(({ id }) => id);
  return [...records, ...out].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** Returns the record of a package that a rule keeps out of the mirror. */
function keptOut(decisions: Decision[], asked: AskedPackages): PackageRecord[] {
  return decisions.slice(0, 1).map(({ kind, name }) => ({
    ...{ kind, name, other_names: [], files: [], dependencies: [], needed_by: [] },
    ...askedForIn(asked, { kind, name }),
    decisions,
  }));
}

/** Returns where a package was asked for. */
function askedForIn(asked: AskedPackages, item: PackageName): Pick<PackageRecord, 'asked_for'> {
  const how = asked.get(packageKey(item))?.how;
  if (!how) return {};
  const { place, as = item.name } = how;
  return {
    asked_for: { ...(place === undefined ? {} : { place }), ...(as === item.name ? {} : { as }) },
  };
}

const vulnerabilitiesIn = (
  known: KnownVulnerabilities,
  { name, facts }: KnownPackage,
): Pick<PackageRecord, 'vulnerabilities'> => ({
  vulnerabilities: known.describe(name, facts.version).map(({ unclear, ...found }) => ({
    ...found,
    ...(unclear ? { unclear } : {}),
  })),
});
