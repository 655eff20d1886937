import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_CHANNEL } from '../../format/layout.ts';
import type { PrepareOptions } from '../prepare.ts';
import { readSeen } from '../verify/seen.ts';
import { channelOfUrl } from '../verify/served-place.ts';
import { compareStates, type Diff, shasOf } from './compare.ts';
import { copyDocuments } from './documents.ts';
import { planState } from './planned-state.ts';
import { readSignedState, type StateOptions } from './signed-state.ts';
import { readPlace, type SignedPlace } from './sources.ts';
import type { MirrorState } from './state.ts';

/** What a mirror would be if it were updated from its upstream now. */
export interface UpstreamPlace extends Omit<PrepareOptions, 'directory' | 'trusted'> {
  kind: 'upstream';
}

/** How mirrors are compared. */
export interface DiffOptions extends Omit<StateOptions, 'seen'> {
  /** Folder that keeps which versions were accepted. */
  stateFolder: string;
}

/**
 * Returns how a mirror differs from another state of it, or from another mirror. Only what a trusted key has signed is
 * compared; expired and older snapshots are, with a warning. Throws as {@link readPlace} and {@link readSignedState}, and as
 * `createMirror` for an upstream.
 */
export async function diffMirrors(
  from: SignedPlace,
  to: SignedPlace | UpstreamPlace,
  { stateFolder, ...options }: DiffOptions,
): Promise<Diff> {
  const readingAt = async (place: SignedPlace): Promise<StateOptions> => {
    const channel = place.kind === 'url' ? channelOfUrl(place.mirror.base) : ROOT_CHANNEL;
    return { ...options, seen: channel === undefined ? {} : await readSeen(stateFolder, channel) };
  };
  const stateAt = async (place: SignedPlace): Promise<MirrorState> => {
    const reading = await readingAt(place);
    return readPlace(place, (title, source) => readSignedState(title, source, reading));
  };
  if (to.kind !== 'upstream') return compareStates(await stateAt(from), await stateAt(to));
  if (from.kind === 'folder') {
    const before = await stateAt(from);
    return compareStates(before, await planFrom(before, to, from.directory, options));
  }
  const scratch = await mkdtemp(join(tmpdir(), 'stout-mirror-'));
  try {
    const reading = await readingAt(from);
    const { before, directory } = await readPlace(from, async (title, source) => {
      const state = await readSignedState(title, source, reading);
      // Called again for a mirror that is published while it is read. In a shared folder of temporary files, only
      // what mkdtemp makes is ours: `scratch` stays, and others cannot write in it.
      const copy = await mkdtemp(join(scratch, 'mirror-'));
      await copyDocuments(source, options.trusted, copy);
      return { before: state, directory: copy };
    });
    const elsewhere = { ...to, filesElsewhere: true };
    return compareStates(before, await planFrom(before, elsewhere, directory, options));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const planFrom = (
  before: MirrorState,
  to: UpstreamPlace,
  directory: string,
  { trusted }: Pick<DiffOptions, 'trusted'>,
): Promise<MirrorState> => planState({ ...to, directory, trusted }, shasOf(before.files));
