import { setTimeout as sleep } from 'node:timers/promises';
import { leafPath, ROOT } from '../../../format/layout.ts';
import { isOffered, isOwnFile, type SnapshotEntry } from '../../../format/snapshot/entry.ts';
import { Leaf } from '../../../format/snapshot/leaf.ts';
import { parseRoot, type Root } from '../../../format/snapshot/root.ts';
import type { Random } from '../random.ts';
import type { Read, Reading } from '../reader.ts';

const PAUSE_MS = 2;

/** What a client saw that read a mirror over and over. */
export interface Seen {
  readings: number;
  /** Answers that said that the mirror is not whole just now. */
  refused: number;
  /** Snapshots that it saw. */
  snapshots: Set<string>;
  /** Answers that no snapshot accounts for. */
  halves: string[];
}

/**
 * A client that reads a mirror over and over while others change it: the root, a leaf, and any file that they name,
 * which must come as they say. `mayRefuse`: whether the answer may be that the mirror is not whole just now.
 */
export class WatchingClient {
  readonly seen: Seen = { readings: 0, refused: 0, snapshots: new Set(), halves: [] };
  readonly #read: Read;
  readonly #random: Random;
  readonly #mayRefuse: boolean;
  readonly #leaves = new Map<string, SnapshotEntry[]>();
  #running = true;
  readonly #done: Promise<void>;

  constructor(read: Read, random: Random, mayRefuse: boolean) {
    this.#read = read;
    this.#random = random;
    this.#mayRefuse = mayRefuse;
    this.#done = this.#loop();
  }

  /** Ends it, and returns what it saw. */
  async stop(): Promise<Seen> {
    this.#running = false;
    await this.#done;
    return this.seen;
  }

  async #loop(): Promise<void> {
    while (this.#running) {
      await this.#look();
      await sleep(PAUSE_MS);
    }
  }

  async #look(): Promise<void> {
    const before = await this.#ask(ROOT);
    if (before.status !== 200) return this.#expectRefusal(ROOT, before);
    const snapshot = parseRoot(before.bytes);
    this.seen.snapshots.add(before.sha256);
    const index = this.#random.below(snapshot.leaves.length);
    const entries = await this.#entriesOf(snapshot, index, before);
    const entry = entries?.[this.#random.below(entries.length)];
    if (!entry) return;
    const reading = await this.#ask(entry.name);
    if (reading.status !== 200 || reading.sha256 !== entry.sha256) {
      await this.#expectSwitch(entry.name, reading, before);
    }
  }

  /** What was asked for across a switch is of the newer snapshot; else it is a half, or refused as one. */
  async #expectSwitch(path: string, reading: Reading, before: Reading): Promise<void> {
    const after = await this.#ask(ROOT);
    if (after.status === 200 && after.sha256 !== before.sha256) return;
    if (reading.status === 200) this.seen.halves.push(`${path} came with other bytes`);
    else this.#expectRefusal(path, reading);
  }

  async #entriesOf(snapshot: Root, index: number, root: Reading): Promise<SnapshotEntry[] | undefined> {
    const sha256 = snapshot.leaves[index]?.sha256 ?? '';
    const known = this.#leaves.get(sha256);
    if (known) return known;
    const path = leafPath(sha256);
    const reading = await this.#ask(path);
    if (reading.status !== 200) {
      await this.#expectSwitch(path, reading, root);
      return undefined;
    }
    const own = new Leaf(reading.bytes, snapshot, index).entries().filter(isOwnFile);
    const entries = own.filter((entry) => isOffered(entry, new Date()));
    this.#leaves.set(sha256, entries);
    return entries;
  }

  #ask(path: string): Promise<Reading> {
    this.seen.readings += 1;
    return this.#read(`/${path}?raw=1`);
  }

  #expectRefusal(path: string, { status, bytes }: Reading): void {
    if (this.#mayRefuse && (status === 424 || status === 503)) this.seen.refused += 1;
    else this.seen.halves.push(`${path}: ${status} ${new TextDecoder().decode(bytes).slice(0, 200)}`);
  }
}
