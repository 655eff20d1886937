import { textOf, utf8 } from '../../../format/bytes.ts';
import {
  channelKey,
  ROOT_CHANNEL,
  type SnapshotId,
  signaturePath,
  snapshotKey,
} from '../../../format/layout.ts';
import { keyIdText, publicKeyLine } from '../../../format/minisign/public-key.ts';
import type { SecretKey } from '../../../format/minisign/secret-key.ts';
import type { SnapshotEntry } from '../../../format/snapshot/entry.ts';
import type { LeafReference } from '../../../format/snapshot/root.ts';
import type { MirrorStore, PublishedRoot, StoredRecord, Which } from '../../../format/store.ts';
import { createApp } from '../../../worker/app.ts';
import { parseSettings, type SettingVariables } from '../../../worker/settings.ts';
import {
  DAY,
  hexOf,
  KEY,
  type MirrorInput,
  NOW,
  type SignedMirror,
  signMirror,
} from '../../format/support.ts';

/** A bucket in memory: channels and kept snapshots over the same files. */
export class MemoryBucket implements MirrorStore {
  readonly roots = new Map<string, PublishedRoot>();
  readonly #ids: SnapshotId[] = [];
  readonly #blobs = new Map<string, Uint8Array>();
  /** Roots and lists that were read. */
  reads: string[] = [];

  /** Stores a snapshot as a publisher does: its files and its root; in a channel too if one is named. */
  publish(mirror: SignedMirror, channel?: string, key: SecretKey = KEY): SnapshotId {
    const id = { version: mirror.snapshot.version, signer: keyIdText(key.keyId) };
    for (const bytes of mirror.files.values()) this.#blobs.set(hexOf('sha256', bytes), bytes);
    this.keepRoot(id, mirror);
    if (channel !== undefined) this.roots.set(channelKey(channel), rootOf(mirror));
    return id;
  }

  /** Stores a root under the name of a kept snapshot, whatever it is. */
  keepRoot(id: SnapshotId, mirror: SignedMirror): void {
    if (!this.roots.has(snapshotKey(id))) this.#ids.push(id);
    this.roots.set(snapshotKey(id), rootOf(mirror));
  }

  /** Puts other bytes in the place of a file. */
  damage(path: string, mirror: SignedMirror): void {
    this.#blobs.set(hexOf('sha256', mirror.files.get(path) ?? utf8('')), utf8('other bytes'));
  }

  async signedRoot(which: Which = { channel: ROOT_CHANNEL }): Promise<PublishedRoot | undefined> {
    const key = 'channel' in which ? channelKey(which.channel) : snapshotKey(which);
    this.reads.push(key);
    return this.roots.get(key);
  }

  async snapshots(version?: number): Promise<SnapshotId[] | undefined> {
    this.reads.push(`snapshots ${version ?? ''}`);
    return this.#ids.filter((id) => version === undefined || id.version === version);
  }

  channels = async (): Promise<string[]> =>
    [...this.roots.keys()].flatMap((key) => /^channels\/(.+)$/.exec(key)?.[1] ?? []).sort();

  leaf = async ({ sha256 }: LeafReference): Promise<Uint8Array | undefined> => this.#blobs.get(sha256);

  async head({ sha256 }: SnapshotEntry): Promise<StoredRecord | undefined> {
    const bytes = this.#blobs.get(sha256);
    return bytes && { size: bytes.length, sha256: hexOf('sha256', bytes) };
  }

  async open({ sha256 }: SnapshotEntry) {
    const bytes = this.#blobs.get(sha256);
    if (!bytes) return undefined;
    return { record: { size: bytes.length, sha256: hexOf('sha256', bytes) }, body: new Uint8Array(bytes) };
  }
}

function rootOf({ files }: SignedMirror): PublishedRoot {
  const read = (path: string): Uint8Array => files.get(path) ?? utf8('');
  const signature = textOf(read(signaturePath('snapshot/root.json')), 'signature');
  return { root: read('snapshot/root.json'), signature, published: NOW.getTime() / 1000 };
}

/** The bottle that is another one in each snapshot of {@link made}. */
export const BOTTLE = 'bottles/made-1.0.arm64_sonoma.bottle.tar.gz';

/** A snapshot that was made so many days before the clock of {@link serving} starts. It is valid for 30. */
export const made = (daysAgo: number, input: MirrorInput = {}): SignedMirror =>
  signMirror({
    now: new Date(NOW.getTime() - daysAgo * DAY * 1000),
    ...input,
    files: (files) => ({ [BOTTLE]: utf8(`made ${daysAgo} days ago`), ...input.files?.(files) }),
  });

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** Serves a bucket with the app, at a time that the test moves. */
export function serving(store: MirrorStore, variables: SettingVariables = {}) {
  let now = NOW.getTime();
  const settings = parseSettings({ TRUSTED_KEYS: publicKeyLine(KEY.publicKey), ...variables });
  const app = createApp({ store, settings, clock: () => new Date(now) });
  return {
    ask: async (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> => {
      const answer = await app.request(`https://mirror.example.com${path}`, { headers, method });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    },
    /** Lets seconds pass. */
    pass: (seconds: number): void => {
      now += seconds * 1000;
    },
  };
}
