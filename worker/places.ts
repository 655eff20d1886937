import { LRUCache } from 'lru-cache';
import { Checks } from './checks.ts';
import type { Services } from './context.ts';
import { Findings, SharedFindings } from './findings.ts';
import type { LeafCache } from './leaf-cache.ts';
import { Leaves } from './leaves.ts';
import { LiveSnapshots, type SeenByChannel } from './live-snapshot.ts';
import { isFixed, type Place, ROOT_PLACE } from './place.ts';
import { Verification } from './verification.ts';

/** Places that are kept beside the root, of each kind: each may have a package list in memory. */
const MAX_PLACES = 16;

/** What all places have in common. */
export type Common = Pick<Services, 'store' | 'settings' | 'clock' | 'fetching'> & {
  leafCache?: LeafCache | undefined;
};

/** A place with the app that answers there. */
export interface Placed<App> {
  services: Services;
  app: App;
}

/**
 * The places of a mirror: the root, and those that are used of the others. Leaves, listings of storage and the bounds of checks
 * are shared, and which bytes are not as signed; what is live, what was seen and the list of what was found wrong are of one place.
 */
export class Places<App> {
  readonly #common: Common;
  readonly #makeApp: (services: Services) => App;
  readonly #leaves: Leaves;
  readonly #checks: Checks;
  readonly #findings = new SharedFindings();
  /** Outlives a place: nobody must be able to have a channel forgotten by asking for others. */
  readonly #seen: SeenByChannel = new Map();
  readonly root: Placed<App>;
  readonly #channels = new LRUCache<string, Placed<App>>({ max: MAX_PLACES });
  /** Apart from channels: `/at/` lists names with which anybody could push those out. */
  readonly #kept = new LRUCache<string, Placed<App>>({ max: MAX_PLACES });
  /** Those that have served nothing yet never take the room of one that has: anybody can make up names. */
  readonly #tried = new LRUCache<string, Placed<App>>({ max: MAX_PLACES });

  constructor(common: Common, makeApp: (services: Services) => App) {
    const { store, settings, clock, leafCache } = common;
    this.#common = common;
    this.#makeApp = makeApp;
    this.#leaves = new Leaves(store, clock, leafCache);
    this.#checks = new Checks(store, settings, clock, this.#findings);
    this.root = this.#make(ROOT_PLACE);
  }

  /** Returns what a place, whether or not it has anything to serve, answers to `ask`. */
  async ask<T>(place: Place, ask: (placed: Placed<App>) => T | Promise<T>): Promise<T> {
    const { base, which } = place;
    if (base === '') return ask(this.root);
    const serving = 'channel' in which ? this.#channels : this.#kept;
    const known = serving.get(base);
    if (known) return ask(known);
    const tried = this.#tried.get(base) ?? this.#make(place);
    this.#tried.set(base, tried);
    try {
      return await ask(tried);
    } finally {
      // At once: until its next request, made-up names could push it out.
      if (tried.services.snapshots.mirror !== undefined) {
        this.#tried.delete(base);
        if (!serving.has(base)) serving.set(base, tried);
      }
    }
  }

  /** The number of files that are not as signed, of all places together. */
  get faults(): number {
    const placed = [
      this.root,
      ...[this.#channels, this.#kept, this.#tried].flatMap((some) => [...some.values()]),
    ];
    return placed.reduce((sum, { services }) => sum + services.findings.faults.length, 0);
  }

  #make({ base, which }: Place): Placed<App> {
    const { store, settings, clock } = this.#common;
    const findings = new Findings(clock, this.#findings);
    // Every place serves the mirror of the root, as far as that is known.
    const atRoot = (): string | undefined => (base === '' ? undefined : this.root.services.snapshots.mirror);
    const mirror = (): string | undefined => settings.mirror ?? atRoot();
    const services: Services = {
      ...this.#common,
      ...{ base, findings, isFixed: isFixed(which) },
      snapshots: new LiveSnapshots(store, settings, clock, {
        ...{ which, leaves: this.#leaves, seen: this.#seen, mirror },
      }),
      verification: new Verification(store, settings, clock, findings, this.#checks),
    };
    return { services, app: this.#makeApp(services) };
  }
}
