import { MirrorError } from '../../format/errors.ts';
import { databasePath } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { byKind, KINDS, type KindId } from '../../format/packages/kinds.ts';
import { KnownFiles } from '../directory/known-files.ts';
import { withLock } from '../directory/lock.ts';
import { expectMirror, filesBelow } from '../directory/mirror.ts';
import { keptFiles } from '../history/withdrawn.ts';
import { CarriedPackages } from '../plan/carried.ts';
import { needs, type PackageGraph, type PackageName, RUNTIME } from '../plan/closure.ts';
import { commitStage } from '../snapshot/commit-stage.ts';
import { FolderStorage } from '../snapshot/folder-storage.ts';
import { keepIncoming, rollForward } from '../snapshot/journal.ts';
import type { Renewal } from '../snapshot/renew.ts';
import { openSignedRoot, readSignedMirror } from '../snapshot/signed-mirror.ts';
import { Stage } from '../snapshot/stage.ts';
import { findWithdrawn, type NamedPackage, type Withdrawn } from './files.ts';
import { isAmong, signWithout, type Withdrawal } from './sign-without.ts';

/** What `withdraw` works with. */
export interface WithdrawOptions extends Renewal {
  directory: string;
  packages: readonly NamedPackage[];
  /** True to withdraw what other packages of the mirror need. */
  force: boolean;
  /** Keys, besides `key`, that may have signed the mirror so far. */
  trusted: readonly PublicKey[];
  /** Folder of this user's caches. */
  cache: string;
}

/** What `withdraw` did. */
export interface WithdrawSummary {
  directory: string;
  version: number;
  expires_at: string;
  withdrawn: Withdrawn[];
  /** Packages of other kinds with the same names, which stay. */
  namesakes: { kind: KindId; name: string }[];
  /** Packages that stay and need one that was withdrawn: they cannot be installed from here. */
  needed_by: string[];
  /** True if brew is a client: Homebrew's signed API goes on naming what was withdrawn. */
  brew: boolean;
}

/**
 * Drops packages from a mirror at once: their names, their content, and that of earlier versions, without a grace period and
 * without a network. Everything else stays as it was signed, and nothing of it is read. The withdrawn versions do not come back
 * by themselves. Throws `unknown-package`, `refused` if other packages need one of them, `bad-signature`, `mismatch` for a
 * damaged index, `missing` or `locked`. If all of it was withdrawn before, nothing changes.
 */
export async function withdraw(options: WithdrawOptions): Promise<WithdrawSummary> {
  const { directory, now } = options;
  await expectMirror(directory);
  return withLock(directory, now, async () => {
    await rollForward(directory);
    const withdrawal = await open(options);
    const { carried, known, stage, withdrawn, namesakes, manifest } = withdrawal;
    const brew = manifest.request.clients.includes('brew');
    try {
      if (withdrawn.length === 0) {
        const { version, expires_at } = withdrawal.root;
        return { directory, version, expires_at, withdrawn, namesakes, needed_by: [], brew };
      }
      const needed_by = dependents(withdrawal);
      if (needed_by.length > 0 && !options.force) throw stillNeeded(needed_by);
      const made = await signWithout(options, withdrawal);
      await commitStage(directory, stage, made, known, {
        ...{ keep: manifest.request.keep_snapshots, now },
        withdrawn: withdrawn.flatMap(({ paths }) => paths),
      });
      const { version, expires_at } = made.snapshot;
      return { directory, version, expires_at, withdrawn, namesakes, needed_by, brew };
    } finally {
      carried.close();
    }
  });
}

async function open({ directory, key, trusted, cache, packages }: WithdrawOptions): Promise<Withdrawal> {
  const snapshot = await openSignedRoot(directory, [key.publicKey, ...trusted]);
  const mirror = await readSignedMirror(directory, snapshot);
  await keepIncoming(directory, new Set());
  const known = await KnownFiles.load(directory, cache);
  const stage = new Stage(new FolderStorage(directory, known), mirror.entries);
  const isDatabase = new Set(KINDS.map(({ index }) => databasePath(index)));
  // Only what is read need be as signed: a damaged bottle must not stop the withdrawal of another one.
  const holds = async (path: string, sha256: string): Promise<boolean> =>
    isDatabase.has(path) ? stage.holds(path, sha256) : mirror.sha256At(path) === sha256;
  const carried = await CarriedPackages.openAll(mirror, holds);
  const { manifest } = mirror;
  if (!carried || !manifest) {
    const where = databasePath('formulas');
    throw new MirrorError(
      'mismatch',
      `${where} is not as it was signed: remake the mirror without the package.`,
      {
        where,
      },
    );
  }
  const folders = await Promise.all(KINDS.map(({ folder }) => filesBelow(directory, folder)));
  const paths = [...folders.flat(), ...(await keptFiles(directory))];
  const found = findWithdrawn(mirror, manifest, carried, paths, packages);
  return { mirror, manifest, carried, stage, known, ...found, root: snapshot };
}

/** Returns the names of mirrored packages that stay and need one that goes, when they are installed. */
function dependents({ manifest, carried, withdrawn }: Withdrawal): string[] {
  const indexes = byKind((kind) => carried.indexOf(kind));
  const dependencies: PackageGraph['dependencies'] = ({ kind, name }, types) =>
    indexes[kind]?.dependencies(name, types) ?? [];
  const goes = ({ kind, name }: PackageName): boolean =>
    isAmong(withdrawn, kind, indexes[kind]?.find(name)?.name ?? name);
  return KINDS.flatMap(({ id, key }) =>
    Object.keys(manifest[key].packages).filter((name) => {
      const item = { kind: id, name };
      return !goes(item) && needs({ dependencies }, item, RUNTIME).some(goes);
    }),
  );
}

function stillNeeded(names: readonly string[]): MirrorError {
  const message =
    `Nothing was changed: ${names.join(', ')} cannot be installed without what is to be withdrawn. ` +
    'Withdraw them too, or use --force.';
  return new MirrorError('refused', message, { found: names.join(', ') });
}
