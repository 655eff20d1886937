import { utf8 } from '../format/bytes.ts';
import { blobName, POINTER } from '../format/layout.ts';
import { parsePointer } from '../format/snapshot/pointer.ts';
import type { FileBody, MirrorStore } from '../format/store.ts';
import { createApp } from './app.ts';
import { Findings } from './findings.ts';
import { LiveSnapshots } from './live-snapshot.ts';
import { parseSettings } from './settings.ts';
import { OBJECTS, SIGNED_BY } from './small-mirror.ts';
import { Verification } from './verification.ts';

// An isolate has a second of CPU to start, and 10 ms for a request on the free plan. Most of what its first request would take is
// compiling code: so all that is done before. At that time workerd refuses timers, random values, and responses with content.

const HOST = 'https://mirror.example.com';
/** One of each kind, of the small mirror. */
const TARGETS = [
  '/bottles/commandline-0-1.0.arm64_sonoma.bottle.tar.gz',
  '/',
  '/?q=json',
  '/?q=jsno',
  '/packages/json-3',
  '/changes',
  '/bottles/',
  '/badge.svg',
];
/** Instead of a random id. */
const REQUEST_ID = 'starting';
/** While it starts, an isolate has no time of day. */
const clock = (): Date => new Date('2026-11-01T12:00:01Z');

/** Runs what requests run, on a small mirror in memory. Returns the status of each. */
export async function warmUp(): Promise<number[]> {
  const settings = parseSettings({ TRUSTED_KEYS: SIGNED_BY });
  const app = createApp({ store: SMALL_STORE, settings, clock, log: (record) => JSON.stringify(record) });
  const statuses: number[] = [];
  for (const target of TARGETS) {
    const headers = { accept: 'text/html', 'cf-ray': REQUEST_ID };
    const { status } = await app.fetch(new Request(HOST + target, { method: 'HEAD', headers }));
    statuses.push(status);
  }
  // Its response has content, whatever the method.
  const live = await new LiveSnapshots(SMALL_STORE, settings, clock).current();
  await new Verification(SMALL_STORE, settings, clock, new Findings(clock)).run('quick', undefined, { live });
  return statuses;
}

const textOf = (key: string): string => OBJECTS[key] ?? '';
const bytesOf = (sha256: string): Uint8Array<ArrayBuffer> => new Uint8Array(utf8(textOf(blobName(sha256))));

const SMALL_STORE: MirrorStore = {
  signedRoot: async () => parsePointer(utf8(textOf(POINTER)), POINTER),
  snapshots: async () => [],
  channels: async () => [],
  leaf: async ({ sha256 }) => bytesOf(sha256),
  head: async ({ sha256, size = 0 }) => ({ sha256, size }),
  open: async ({ sha256, size = 0 }) => ({ record: { sha256, size }, body: bytesOf(sha256) as FileBody }),
};
