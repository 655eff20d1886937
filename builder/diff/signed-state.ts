import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { hasCode } from '../../format/errors.ts';
import { isPackageFile, PACKAGE_LIST, POLICY, VULNERABILITIES } from '../../format/layout.ts';
import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import { parsePackageList } from '../../format/package-list.ts';
import { type Decision, parsePolicyDocument } from '../../format/policy.ts';
import { isExpired, type TrustedRoot } from '../../format/snapshot/root.ts';
import { expectNoRollback } from '../../format/snapshot/seen.ts';
import { readManifest } from '../../format/verify/documents.ts';
import { Listing } from '../../format/verify/listing.ts';
import type { SnapshotSource } from '../../format/verify/source.ts';
import { DatabaseReader } from '../database/reader.ts';
import { type Advisories, readAdvisories } from '../database/vulnerabilities.ts';
import { MAX_DOCUMENT } from '../directory/read.ts';
import { packagesIn } from '../plan/changes.ts';
import { openOwnRoot } from '../snapshot/signed-mirror.ts';
import type { SeenMirrors } from '../verify/seen.ts';
import { formulasOf, type MirrorState, vulnerabilitiesOf } from './state.ts';

const LEAVES_AT_A_TIME = 8;

/** How a signed state is read. */
export interface StateOptions {
  trusted: readonly PublicKey[];
  now: Date;
  /** What was accepted before, by mirror. An older snapshot is read with a warning: nothing is installed from it. */
  seen: SeenMirrors;
}

/**
 * Reads what a snapshot has: its root by a trusted signature, and every document as the root lists it. `place` names it in
 * messages. Throws `refused` for the signature of another key, `bad-signature`, `mismatch`, `bad-input`, or what the source
 * throws.
 */
export async function readSignedState(
  place: string,
  source: SnapshotSource,
  options: StateOptions,
): Promise<MirrorState> {
  const root = openOwnRoot(await source.signedRoot(), options.trusted, place);
  const { snapshot, signer } = root;
  const { mirror, version, created_at, expires_at } = snapshot;
  const listing = new Listing(source, snapshot, true);
  const leaves = await pMap(snapshot.leaves, (leaf) => listing.leaf(leaf), { concurrency: LEAVES_AT_A_TIME });
  const present = leaves.flat().filter(({ name, until }) => until === undefined && isPackageFile(name));
  const list = parsePackageList(await listing.read(PACKAGE_LIST, MAX_DOCUMENT));
  const packages = packagesIn(list, await readManifest(listing));
  const advisories = await readStoredAdvisories(
    listing,
    new Set(formulasOf(packages).map(({ name }) => name)),
  );
  return {
    place,
    snapshot: { mirror, version, created_at, expires_at, signed_by: keyIdText(signer.keyId) },
    packages,
    files: present.map(({ name, sha256, size, source }) => ({
      ...{ path: name, sha256, size, on_demand: source !== undefined },
    })),
    decisions: await readDecisions(listing),
    vulnerabilities: advisories && vulnerabilitiesOf(packages, advisories),
    ...{ skipped: [], kept: [], warnings: warningsAbout(place, root, options) },
  };
}

/** Returns the decisions of a policy; a mirror need not have any. */
async function readDecisions(listing: Listing): Promise<readonly Decision[]> {
  if (!(await listing.find(POLICY))) return [];
  return parsePolicyDocument(await listing.read(POLICY, MAX_DOCUMENT)).decisions;
}

/** Reads the advisories about some formulas, if the mirror has any. SQLite takes a file, so there is one until they are read. */
async function readStoredAdvisories(
  listing: Listing,
  formulas: ReadonlySet<string>,
): Promise<Advisories | undefined> {
  if (!(await listing.find(VULNERABILITIES))) return undefined;
  const bytes = await listing.read(VULNERABILITIES, MAX_DOCUMENT);
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-'));
  try {
    const local = join(folder, 'cve.db');
    await writeFile(local, bytes);
    const reader = DatabaseReader.open(local, VULNERABILITIES);
    try {
      return readAdvisories(reader, formulas);
    } finally {
      reader.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function warningsAbout(
  place: string,
  { snapshot, signer }: TrustedRoot,
  { trusted, now, seen }: StateOptions,
): string[] {
  const warnings = isExpired(snapshot, now) ? [`${place} has expired, at ${snapshot.expires_at}.`] : [];
  try {
    expectNoRollback(snapshot, signer, trusted, seen[snapshot.mirror] ?? {});
  } catch (error) {
    if (!hasCode(error, 'rolled-back')) throw error;
    warnings.push(`${place}: ${error.message} Expected ${error.expected}, found ${error.found}.`);
  }
  return warnings;
}
