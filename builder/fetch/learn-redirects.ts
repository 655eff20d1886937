import pMap from 'p-map';
import { hasCode } from '../../format/errors.ts';
import { isHost } from '../../format/snapshot/source.ts';
import { Transient } from '../http/retry.ts';
import type { Reporter } from '../reporter.ts';
import { UpstreamLocation } from '../upstream/location.ts';
import { isWellKnown } from '../upstream/redirects.ts';

const REQUESTS = 32;
/** A host that is slower than this is slow for everybody. */
const SECONDS = 15;
/** If none of so many hosts answers, this machine reaches none. */
const ENOUGH = 64;

/**
 * Returns the hosts to which files on demand are redirected. Asks each host for one of its files once, without reading it:
 * hosts seldom redirect one download elsewhere than another. Only hosts that answered are returned, even with a refusal: a redirect
 * may name any host. Warns of hosts that cannot be reached, and gives up if none can.
 */
export async function learnRedirects(
  sources: readonly string[],
  { reporter }: { reporter: Reporter },
): Promise<string[]> {
  const byHost = new Map(sources.map((source) => [new URL(source).host, source]));
  const asked = [...byHost].filter(([host]) => !isWellKnown(host)).map(([, source]) => source);
  const upstream = UpstreamLocation.ofSources();
  const learned = new Set<string>();
  let [done, silent] = [0, 0];
  const ask = async (source: string): Promise<void> => {
    const onHop = ({ host }: URL): void => {
      if (isHost(host)) learned.add(host);
    };
    const isOffline = silent >= ENOUGH && silent === done;
    const answer = isOffline ? Promise.reject() : upstream.trace(new URL(source), SECONDS, onHop);
    await answer.catch((error: unknown) => {
      if (isSilence(error)) silent += 1;
    });
    done += 1;
    reporter.progress({ label: 'Asking for redirects', done, total: asked.length, bytes: 0 });
  };
  await pMap(asked, ask, { concurrency: REQUESTS });
  if (silent > 0) {
    reporter.warn(
      `${silent} of ${asked.length} hosts of files on demand cannot be reached. ` +
        'If they redirect to other hosts, their files cannot be fetched on demand.',
    );
  }
  return [...learned];
}

/** Returns true unless a host answered, whatever it said. No error at all means that it was not asked. */
const isSilence = (error: unknown): boolean =>
  error === undefined || hasCode(error instanceof Transient ? error.error : error, 'unreachable');
