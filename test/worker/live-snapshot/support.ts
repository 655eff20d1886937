import { textOf, utf8 } from '../../../format/bytes.ts';
import { leafPath, ROOT, signaturePath } from '../../../format/layout.ts';
import type { MirrorStore } from '../../../format/store.ts';
import { LiveSnapshots } from '../../../worker/live-snapshot.ts';
import { parseSettings, type Settings } from '../../../worker/settings.ts';
import { KEY, type SignedMirror, signMirror } from '../../format/support.ts';

export const BOTTLE = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
export const OLD = signMirror({ previousVersion: 2_000_000_000, bottles: 3 });
export const NEW = signMirror({ previousVersion: 2_000_000_001, bottles: 4 });
export const ONLY_IN_NEW = 'bottles/package3-1.0.arm64_sonoma.bottle.tar.gz';

/** A storage whose files a test may exchange, and whose reads it may hold back. */
class MemoryStore implements MirrorStore {
  files: Map<string, Uint8Array>;
  operations: string[] = [];
  /** Awaited by each read that begins, once what it will return is settled. */
  delay: Promise<void> = Promise.resolve();

  constructor({ files }: SignedMirror) {
    this.files = new Map(files);
  }

  async signedRoot() {
    const { files } = this;
    await this.#operation('pointer');
    const root = files.get(ROOT);
    return root && { root, signature: textOf(files.get(signaturePath(ROOT)) ?? utf8(''), ROOT) };
  }

  async leaf({ sha256 }: { sha256: string }) {
    const bytes = this.files.get(leafPath(sha256));
    await this.#operation('leaf');
    return bytes;
  }

  head = async () => undefined;
  open = async () => undefined;
  snapshots = async () => [];
  channels = async () => [];
  inspector = () => async () => [];

  async #operation(name: string): Promise<void> {
    this.operations.push(name);
    await this.delay;
  }
}

export interface Fixture {
  store: MemoryStore;
  snapshots: LiveSnapshots;
  /** Milliseconds. */
  pass(time: number): void;
}

/** The live snapshot of a mirror in memory, with a clock that the test sets. */
export function serving(
  mirror: SignedMirror,
  settings: Partial<Settings> = { trusted: [KEY.publicKey] },
): Fixture {
  let time = Date.parse('2026-11-01T12:00:00Z');
  const store = new MemoryStore(mirror);
  const snapshots = new LiveSnapshots(store, { ...parseSettings({}), ...settings }, () => new Date(time));
  return {
    store,
    snapshots,
    pass: (more) => {
      time += more;
    },
  };
}

/** The version that requests are answered from now. */
export const versionOf = async ({ snapshots }: Fixture): Promise<number> =>
  (await snapshots.current()).snapshot.version;
/** A read that never ends: its request was cancelled. */
export const never = (): Promise<void> => new Promise(() => {});
