import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyDirectory } from '../../../builder/verify/verify-directory.ts';
import { formatSecretKey } from '../../../format/minisign/secret-key.ts';
import { TEST_KEY } from '../keys.ts';
import { SILENT } from '../silent.ts';
import { type Measured, measured } from './measured.ts';

/** The most memory that any upstream may make `create` hold, MiB. */
export const MEMORY_LIMIT = 512;

/** The folder of a case: nothing in it but the mirror and our records may change. */
export interface Place {
  folder: string;
  upstream: string;
  mirror: string;
}

export const placeIn = (folder: string): Place => ({
  folder,
  // Deep enough that `../` leads nowhere else.
  upstream: join(folder, 'a', 'b', 'c', 'upstream'),
  mirror: join(folder, 'mirror'),
});

/** The outcome of `create` on a hostile upstream. */
export interface HostileRun extends Measured {
  /** Everything that went wrong; empty when the upstream was handled well. */
  complaints: string[];
}

export interface HostileOptions {
  /** A folder or a URL; the place's folder by default. */
  from?: string;
  packages?: readonly string[];
  /** Whether a sound mirror may, must, or must not come of it. */
  mirror: 'may' | 'must' | 'must not';
  /** Seconds. */
  limit?: number;
}

/** Runs `create` on a hostile upstream, and judges how it went: clearly, in bounds, with nothing written elsewhere. */
export async function createFromHostile(
  place: Place,
  { from = place.upstream, packages = ['jq'], mirror, limit = 90 }: HostileOptions,
): Promise<HostileRun> {
  const before = await filesBelow(place);
  const args = ['create', place.mirror, ...packages, '--platforms', 'arm64_sonoma', '--upstream', from];
  const run = await measured(args, await environmentIn(place), limit);
  const complaints = [
    ...(await outcome(run, place, mirror)),
    ...(run.peak <= MEMORY_LIMIT ? [] : [`it held ${run.peak} MiB`]),
  ];
  if ((await filesBelow(place)).join() !== before.join()) complaints.push('files outside the mirror changed');
  return { ...run, complaints };
}

async function outcome({ status, stderr }: Measured, { mirror }: Place, may: string): Promise<string[]> {
  if (status === null) return ['it had to be ended'];
  if (status === 0) {
    if (may === 'must not') return ['a mirror was made of it'];
    const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
    const { ok, failures, unlisted } = await verifyDirectory(mirror, options);
    return ok && unlisted.length === 0 ? [] : [`the mirror does not verify: ${JSON.stringify(failures)}`];
  }
  const isMirror = (await readdir(mirror).catch(() => [])).some((name) => name !== '.stout-mirror');
  return [
    ...(may === 'must' ? [`no mirror was made of it: ${stderr.slice(-300)}`] : []),
    ...(/^stout-mirror: ./m.test(stderr) && !/^ +at /m.test(stderr)
      ? []
      : [`unclear: ${stderr.slice(-300)}`]),
    ...(isMirror ? ['it failed, and left half a mirror'] : []),
  ];
}

const environmentIn = async ({ folder }: Place): Promise<Record<string, string>> => ({
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
  XDG_CACHE_HOME: join(folder, 'own', 'cache'),
  XDG_CONFIG_HOME: join(folder, 'own', 'config'),
});

/** Everything in a place but the mirror and our own records. */
async function filesBelow({ folder }: Place): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((path) => !/^(?:mirror|own)(?:\/|$)/.test(path)).sort();
}
