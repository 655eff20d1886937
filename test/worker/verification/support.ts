import { expect } from 'vitest';
import { textOf, utf8 } from '../../../format/bytes.ts';
import { MirrorError } from '../../../format/errors.ts';
import { leafPath, ROOT, signaturePath } from '../../../format/layout.ts';
import { filePathOf, type OnDemandEntry, type SnapshotEntry } from '../../../format/snapshot/entry.ts';
import type { MirrorStore, StoredRecord } from '../../../format/store.ts';
import type { Depth, VerifyReport } from '../../../format/verify/report.ts';
import { Findings } from '../../../worker/findings.ts';
import { parseSettings, type Settings } from '../../../worker/settings.ts';
import { type Target, Verification } from '../../../worker/verification.ts';
import { hexOf, KEY, type SignedMirror, signMirror } from '../../format/support.ts';

export const MIRROR = signMirror({ bottles: 60 });
export const NEXT = signMirror({ bottles: 60, previousVersion: MIRROR.snapshot.version });
export const BOTTLE = 'bottles/package7-1.0.arm64_sonoma.bottle.tar.gz';
export const OWN_FILES = MIRROR.entries
  .filter((entry) => entry.path === undefined)
  .map((entry) => entry.name);

/** SHA-256 of a mirror's root, hex. */
export const rootOf = ({ files }: SignedMirror): string => hexOf('sha256', files.get(ROOT) ?? utf8(''));
/** What is served of a mirror. */
export const liveOf = (mirror: SignedMirror): NonNullable<Target['live']> => ({
  sha256: rootOf(mirror),
  snapshot: mirror.snapshot,
  signed: {
    root: mirror.files.get(ROOT) ?? utf8(''),
    signature: textOf(mirror.files.get(signaturePath(ROOT)) ?? utf8(''), ROOT),
  },
});
/** The entry of a path of a mirror. */
export const entryIn = ({ entries }: SignedMirror, path: string): SnapshotEntry => {
  const entry = entries.find(({ name }) => name === path);
  return entry ?? expect.unreachable(`${path} is not listed`);
};
/** The entry of a path of {@link MIRROR}. */
export const entryOf = (path: string): SnapshotEntry => entryIn(MIRROR, path);

/** A storage in memory that counts what it is asked, keeps the records that a test gives it, and can be held back. */
export class MemoryStore implements MirrorStore {
  files: Map<string, Uint8Array>;
  /** What it recorded of a file at upload; SHA-256 by default. */
  recordOf = (bytes: Uint8Array): StoredRecord => ({ size: bytes.length, sha256: hexOf('sha256', bytes) });
  /** Bytes whose reading breaks off. */
  broken: string | undefined;
  delay: Promise<void> = Promise.resolve();
  operations = 0;
  /** Paths in the order that they were looked at, by record or by bytes. */
  inspected: string[] = [];
  opened: string[] = [];

  constructor({ files }: SignedMirror) {
    this.files = new Map(files);
  }

  async signedRoot() {
    await this.#operation();
    const root = this.files.get(ROOT);
    return root && { root, signature: textOf(this.files.get(signaturePath(ROOT)) ?? utf8(''), ROOT) };
  }

  snapshots = async () => [];
  channels = async () => [];

  async leaf({ sha256 }: { sha256: string }) {
    await this.#operation();
    return this.files.get(leafPath(sha256));
  }

  async head(entry: SnapshotEntry) {
    this.inspected.push(filePathOf(entry));
    await this.#operation();
    const bytes = this.files.get(filePathOf(entry));
    return bytes && this.recordOf(bytes);
  }

  async open(entry: SnapshotEntry) {
    const path = filePathOf(entry);
    this.opened.push(path);
    await this.#operation();
    const bytes = this.files.get(path);
    if (!bytes) return undefined;
    const broken = path === this.broken;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(new Uint8Array(bytes));
        if (broken) controller.error(new Error('the disk is on fire'));
        else controller.close();
      },
    });
    return { record: this.recordOf(bytes), body };
  }

  async keep(entry: OnDemandEntry, _size: number, body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    await this.#operation();
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    const [expected, found] = [entry.sha256, hexOf('sha256', bytes)];
    if (found !== expected) throw new MirrorError('mismatch', 'Other bytes.', { expected, found });
    this.files.set(filePathOf(entry), bytes);
  }

  async #operation(): Promise<void> {
    this.operations += 1;
    await this.delay;
  }
}

export interface Fixture {
  store: MemoryStore;
  verification: Verification;
  findings: Findings;
  /** Milliseconds. */
  pass(time: number): void;
  run(depth?: Depth, cursor?: string, mirror?: SignedMirror): Promise<VerifyReport>;
}

/** Verification of a mirror in memory, with a clock that the test sets. */
export function verifying(changes: Partial<Settings> = {}, mirror = MIRROR): Fixture {
  let time = Date.parse('2026-11-02T12:00:00Z');
  const store = new MemoryStore(mirror);
  const settings = { ...parseSettings({ VERIFY_OPERATIONS: '1000' }), trusted: [KEY.publicKey], ...changes };
  const clock = () => new Date(time);
  const findings = new Findings(clock);
  const verification = new Verification(store, settings, clock, findings);
  return {
    store,
    verification,
    findings,
    pass: (more) => {
      time += more;
    },
    run: (depth = 'quick', cursor, of = mirror) => verification.run(depth, cursor, { live: liveOf(of) }),
  };
}

/** The reports of as many calls as it takes. */
export async function inParts(
  { run, store }: Fixture,
  depth: Depth,
): Promise<{ report: VerifyReport; cost: number }[]> {
  const calls: { report: VerifyReport; cost: number }[] = [];
  for (let cursor: string | null | undefined; cursor !== null && calls.length < 200; ) {
    const before = store.operations;
    const report = await run(depth, cursor);
    calls.push({ report, cost: store.operations - before });
    cursor = report.cursor;
  }
  return calls;
}
