import { MirrorError } from '../../format/errors.ts';
import {
  CHANGES,
  compressedDatabasePath,
  databasePath,
  INDEX_MANIFEST,
  MANIFEST,
  PACKAGE_LIST,
  SUMMARY,
  signaturePath,
  VULNERABILITIES,
} from '../../format/layout.ts';
import { entryOf, type Manifest, type MirrorRequest, withdrawnKey } from '../../format/manifest.ts';
import { isRecords } from '../../format/package-record.ts';
import { KINDS, type KindId } from '../../format/packages/kinds.ts';
import { filePathOf, isOwnFile } from '../../format/snapshot/entry.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { DatabaseReader } from '../database/reader.ts';
import type { Advisories } from '../database/vulnerabilities.ts';
import type { KnownFiles } from '../directory/known-files.ts';
import { ownFile } from '../directory/paths.ts';
import type { IndexContext } from '../index/context.ts';
import { stageIndex, stageLists, stageVulnerabilities } from '../index/metadata.ts';
import { type DescribedPackages, stagePackages } from '../index/packages.ts';
import { stagePageData } from '../index/page-data.ts';
import type { CarriedPackages } from '../plan/carried.ts';
import type { CarriedPackage } from '../plan/plan.ts';
import { type Renewal, withValidity } from '../snapshot/renew.ts';
import { type NewSnapshot, signSnapshot } from '../snapshot/sign.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import type { Stage } from '../snapshot/stage.ts';
import type { FoundPackages, Withdrawn } from './files.ts';

/** A mirror that is about to change, and what is to go. */
export interface Withdrawal {
  mirror: SignedMirror;
  manifest: Manifest;
  carried: CarriedPackages;
  stage: Stage;
  known: KnownFiles;
  withdrawn: Withdrawn[];
  namesakes: FoundPackages['namesakes'];
  root: Root;
}

/** Returns true for a package that is to go. */
export const isAmong = (withdrawn: readonly Withdrawn[], kind: KindId, name: string): boolean =>
  withdrawn.some((item) => item.kind === kind && item.name === name);

/** Stages and signs the mirror without what is withdrawn. */
export async function signWithout(
  options: Renewal & { directory: string },
  withdrawal: Withdrawal,
): Promise<NewSnapshot> {
  const { directory } = options;
  const { mirror, manifest, carried, stage, withdrawn } = withdrawal;
  const gone = new Set(withdrawn.flatMap(({ paths }) => paths));
  const entries = mirror.entries.filter((entry) => !gone.has(filePathOf(entry)));
  const rewritten = new Set(
    KINDS.flatMap(({ index }) => [databasePath(index), compressedDatabasePath(index)]),
  );
  const documents = [VULNERABILITIES, MANIFEST, INDEX_MANIFEST, PACKAGE_LIST, SUMMARY, CHANGES];
  for (const path of documents) rewritten.add(path);
  for (const path of [...rewritten]) rewritten.add(signaturePath(path));
  for (const entry of entries) {
    const stays = isOwnFile(entry) && entry.until === undefined && !isRecords(entry.name);
    if (stays && !rewritten.has(entry.name)) stage.carry(entry.name, entry);
  }
  const { validFor, request } = withValidity(requestWithout(withdrawal), options);
  const publicUrl = manifest.request.public_url;
  const signing = { ...options, validFor };
  const context: IndexContext = { ...signing, directory, stage, publicUrl, onPackage: () => undefined };
  const described = await describeRest(context, withdrawal);
  const before = carried.brewBottles();
  const isGone = ({ formula }: (typeof before)[number]): boolean =>
    withdrawn.some(({ kind, name }) => kind === 'formula' && name === formula);
  const rows = before.length > 0 ? before.filter((row) => !isGone(row)) : undefined;
  const { version } = await stageIndex(context, described, { now: rows, before }, mirror);
  const advisories = await restageVulnerabilities(context, described, version, mirror);
  const sources = { request, decisions: mirror.policy.decisions, advisories, brew: rows };
  await stagePageData(context, described, sources, mirror, false);
  const { upstream, homebrew } = manifest;
  await stageLists(context, described, { version, request, upstream, homebrew });
  return signSnapshot(signing, stage, {
    mirror: mirror.mirror,
    version: mirror.version,
    entries,
    sources: mirror.sources,
  });
}

/** Describes the packages that stay as the mirror does; their files are on the stage already. */
async function describeRest(
  context: IndexContext,
  { manifest, carried, withdrawn }: Withdrawal,
): Promise<DescribedPackages[]> {
  const described: DescribedPackages[] = [];
  for (const kind of KINDS) {
    const names = (carried.indexOf(kind)?.names() ?? []).filter((name) => !isAmong(withdrawn, kind.id, name));
    const found: CarriedPackage[] = [];
    for (const name of names) {
      const item = await carried.find(kind, name, entryOf(manifest, kind, name) !== undefined);
      if (item) found.push({ ...item, files: [] });
    }
    if (kind.inAll || found.length > 0) described.push(await stagePackages(context, kind, [], found));
  }
  return described;
}

/** Stages the advisories of the packages that stay, and returns them. */
async function restageVulnerabilities(
  context: IndexContext,
  described: readonly DescribedPackages[],
  version: string,
  mirror: SignedMirror,
): Promise<Advisories | undefined> {
  const sha256 = mirror.sha256At(VULNERABILITIES);
  if (sha256 === undefined) return undefined;
  if (!(await context.stage.holds(VULNERABILITIES, sha256))) {
    const message = `${VULNERABILITIES} is not as it was signed: remake the mirror without the package.`;
    throw new MirrorError('mismatch', message, { where: VULNERABILITIES });
  }
  const reader = DatabaseReader.open(ownFile(context.directory, VULNERABILITIES), VULNERABILITIES);
  try {
    return await stageVulnerabilities(context, described, reader, version);
  } finally {
    reader.close();
  }
}

/** Returns the remembered request without the packages, by whatever name they were asked for, and with what must not come back. */
function requestWithout({ manifest: { request }, carried, withdrawn }: Withdrawal): MirrorRequest {
  const lists = KINDS.map((kind) => {
    const index = carried.indexOf(kind);
    const rest = request[kind.request].filter(
      (name) => !isAmong(withdrawn, kind.id, index?.find(name)?.name ?? name),
    );
    return [kind.request, rest] as const;
  });
  const versions = withdrawn.flatMap(({ versions: all, ...item }) =>
    all.map((version) => withdrawnKey({ ...item, version })),
  );
  const isGone = (name: string): boolean =>
    KINDS.some((kind) => isAmong(withdrawn, kind.id, carried.indexOf(kind)?.find(name)?.name ?? name));
  const { whole = [], ...rest } = request;
  const stillWhole = whole.filter((name) => !isGone(name));
  const keys = [...new Set([...(request.withdrawn ?? []), ...versions])].sort();
  return {
    ...{ ...rest, ...Object.fromEntries(lists) },
    ...(stillWhole.length > 0 ? { whole: stillWhole } : {}),
    ...(keys.length > 0 ? { withdrawn: keys } : {}),
  };
}
