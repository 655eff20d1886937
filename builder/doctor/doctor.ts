import { hasCode } from '../../format/errors.ts';
import type { Manifest } from '../../format/manifest.ts';
import type { Root } from '../../format/snapshot/root.ts';
import type { BucketOptions } from '../bucket/credentials.ts';
import { trustedKeys } from '../keys.ts';
import type { Environment } from '../places.ts';
import { durationText } from '../units.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { type Beside, judgeBucket } from './bucket.ts';
import { judgeEdge } from './edge.ts';
import { environmentChecks } from './environment.ts';
import { AREAS, type Check, examine, type Finding, failed, ok, type Result, warning } from './finding.ts';
import { keyChecks } from './keys.ts';
import { judgeFolder } from './mirror.ts';
import { type UpstreamOptions, upstreamChecks } from './upstream.ts';

/** How far two clocks may be apart, milliseconds: for a warning, and for a failure (S3 refuses 15 minutes). */
const [SKEWED, WRONG] = [60_000, 10 * 60_000];

/** How long reading a folder may take, milliseconds: a slow disk with every package takes minutes. */
const FOLDER_PATIENCE = 10 * 60_000;

/** What to look at. Without a mirror, a bucket and an edge: this machine, the keys and the upstream. */
export interface DoctorOptions {
  directory: string | undefined;
  /** `isNamed` is false for that of a mirror.toml: who may look at a mirror need not have the keys to its bucket. */
  bucket: (BucketOptions & { isNamed: boolean }) | undefined;
  edge: MirrorUrl | undefined;
  origin: UpstreamOptions['origin'];
  key: string | undefined;
  /** Keys to trust, or their files; without any, the own key pair. */
  trust: readonly string[];
  environment: Environment;
  clock: () => Date;
}

/**
 * Looks at everything that a mirror depends on, and returns what it found, in the order of {@link AREAS}. Changes nothing but
 * for a temporary folder in which it tries the file system. Never throws: what fails is a finding.
 */
export async function examineAll(options: DoctorOptions): Promise<Finding[]> {
  const { directory, environment, clock, trust } = options;
  const trusted = () => trustedKeys(trust, environment);
  const folder: { root?: Root; manifest?: Manifest | undefined } = {};
  let own: string | undefined;
  const times: number[] = [];
  const local = [
    ...environmentChecks(directory, environment),
    ...keyChecks({ ...options, onKey: (id) => (own = id) }),
  ];
  const found = (await Promise.all(local.map((check) => examine(check)))).flat();
  if (directory !== undefined) {
    const work = async (): Promise<Result[]> => {
      const { root, manifest, signedBy, results } = await judgeFolder(directory, await trusted(), clock());
      // Only a mirror that is trusted may say whom to ask.
      Object.assign(folder, { root, manifest });
      return own === undefined || own === signedBy ? results : [...results, otherSigner(own, signedBy)];
    };
    found.push(...(await examine({ area: 'mirror', check: 'snapshot', work }, FOLDER_PATIENCE)));
  }
  const onTime = (time: number): void => void times.push(time - clock().getTime());
  const remote = [
    ...upstreamChecks({ origin: options.origin, before: folder.manifest, now: clock, onTime }),
    ...servedChecks(options, { trusted, now: clock(), folder: folder.root }, onTime),
  ];
  found.push(...(await Promise.all(remote.map((check) => examine(check)))).flat());
  const compared = { area: 'environment', check: 'clock' } as const;
  found.push({ ...compared, ...clockResult(times) });
  return AREAS.flatMap((area) => found.filter((finding) => finding.area === area));
}

const otherSigner = (own: string, signedBy: string): Result =>
  warning(
    `The secret key here is ${own}, and the mirror is signed by ${signedBy}.`,
    'To sign it with yours from now on, name the public key of the other with --trust.',
  );

function servedChecks(
  { bucket, edge, environment }: DoctorOptions,
  beside: Beside,
  onTime: (time: number) => void,
): Check[] {
  const checks: Check[] = [];
  if (bucket) {
    const judged = (signal: AbortSignal) => judgeBucket(bucket, environment, beside, signal);
    const work = (signal: AbortSignal) =>
      bucket.isNamed ? judged(signal) : judged(signal).catch(notLookedAt);
    checks.push({ area: 'bucket', check: 'bucket', work });
  }
  if (edge) {
    checks.push({ area: 'edge', check: 'edge', work: (signal) => judgeEdge(edge, beside, onTime, signal) });
  }
  return checks;
}

function notLookedAt(error: unknown): Result {
  if (!hasCode(error, 'usage')) throw error;
  return warning('The bucket of mirror.toml was not looked at.', error.message);
}

/** Judges the clock by the smallest difference from the servers that answered, milliseconds. */
function clockResult(differences: readonly number[]): Result {
  const [first, ...rest] = [...differences].sort((a, b) => Math.abs(a) - Math.abs(b));
  if (first === undefined) return ok('compared with no server, because none said the time');
  const apart = Math.abs(first);
  const message = `${durationText(apart / 1000)} ${first > 0 ? 'behind' : 'ahead of'} the server's`;
  if (apart < SKEWED) return ok(`within a minute of ${rest.length > 0 ? 'the servers' : "a server's"}`);
  const advice = 'Set the clock: signatures say when they were made and until when they are valid.';
  return apart < WRONG ? warning(message, advice) : failed('refused', message, advice);
}
