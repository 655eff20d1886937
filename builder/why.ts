import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MirrorError } from '../format/errors.ts';
import { databasePath } from '../format/layout.ts';
import type { Manifest } from '../format/manifest.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { KnownFiles } from './directory/known-files.ts';
import { expectWhole } from './directory/mirror.ts';
import { CarriedPackages } from './plan/carried.ts';
import { packageKey } from './plan/closure.ts';
import { explain, type MirrorFacts } from './plan/explain.ts';
import { type Answer, hasReason } from './plan/explanation.ts';
import { FolderStorage } from './snapshot/folder-storage.ts';
import { openSignedRoot, readSignedMirror } from './snapshot/signed-mirror.ts';
import { Stage } from './snapshot/stage.ts';
import { HomebrewApi } from './upstream/homebrew/api.ts';
import type { HomebrewPackages } from './upstream/homebrew/packages.ts';
import { HomebrewSource } from './upstream/homebrew/source.ts';

/** What `why` works with. */
export interface WhyOptions {
  directory: string;
  /** A name, an alias, or a name with Homebrew's own tap before it. */
  name: string;
  trusted: readonly PublicKey[];
  /** Folder of this user's caches. */
  cache: string;
}

/**
 * Says why a mirror has a package, or does not have it, by what is signed in the mirror: its index, what was asked for, and
 * what its policy decided. Fetches nothing. Throws `missing`, `refused`, `bad-signature`, or `mismatch` for a damaged index.
 */
export async function why({ directory, name, trusted, cache }: WhyOptions): Promise<Answer> {
  await expectWhole(directory);
  const mirror = await readSignedMirror(directory, await openSignedRoot(directory, trusted));
  const known = await KnownFiles.load(directory, cache);
  const stage = new Stage(new FolderStorage(directory, known), mirror.entries);
  const carried = await CarriedPackages.openAll(mirror, stage.holds);
  const { manifest } = mirror;
  if (!carried || !manifest) throw damaged();
  try {
    const versions = new Map(mirror.packages.map((item) => [packageKey(item), item.version]));
    const facts = { manifest, versions, decisions: mirror.policy.decisions, ...indexOf(carried) };
    const answer = explain(name, facts);
    // Reading the API takes seconds, so it is read only for what nothing else explains.
    const isExplained = answer.packages.every((item) => !item.in_mirror || hasReason(item));
    if (isExplained || !manifest.request.clients.includes('brew')) return answer;
    return explain(name, { ...facts, homebrew: await homebrewPackages(directory, manifest) });
  } finally {
    carried.close();
  }
}

const indexOf = (carried: CarriedPackages): Pick<MirrorFacts, 'catalog' | 'indexOf' | 'forBrew'> => ({
  catalog: carried.catalog(),
  indexOf: carried.indexOf,
  forBrew: new Set(carried.brewBottles().map(({ formula }) => String(formula))),
});

/** Returns what Homebrew's signed API, as this mirror has it, says of packages. */
async function homebrewPackages(
  directory: string,
  { request: { tags }, homebrew }: Manifest,
): Promise<HomebrewPackages> {
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-'));
  try {
    const source = HomebrewSource.parse(directory, homebrew?.key);
    return (await HomebrewApi.open({ source, tags, older: false, before: {}, folder })).packages;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function damaged(): MirrorError {
  const where = databasePath('formulas');
  const message = `${where} is not as it was signed: verify says what else is damaged.`;
  return new MirrorError('mismatch', message, { where });
}
