import { parseIndexManifest } from '../../format/index-manifest.ts';
import type { Manifest } from '../../format/manifest.ts';
import { durationText } from '../units.ts';
import { HomebrewSource } from '../upstream/homebrew/source.ts';
import { UpstreamLocation } from '../upstream/location.ts';
import { DEFAULT_UPSTREAM } from '../upstream/open.ts';
import { HOMEBREW, isUnnamedFolder } from '../upstream/upstream.ts';
import { ask, bytesOf } from './ask.ts';
import { type Check, ok, type Result, warning } from './finding.ts';

const MAX_MANIFEST = 1024 * 1024;
/** Age of an upstream's index at which a warning comes, milliseconds. */
const OLD = 14 * 86_400_000;
/** A small file of Homebrew's API that is always there. */
const OF_HOMEBREW = 'api/formula_tap_migrations.jws.json';

/** Where to ask, and how to keep what the answers say of the time. */
export interface UpstreamOptions {
  origin: { upstream: string | undefined; homebrew: string | undefined };
  /** What the mirror says of itself. */
  before: Manifest | undefined;
  now: () => Date;
  /** Called with the time by a server's clock, milliseconds since 1970. */
  onTime: (time: number) => void;
}

/** Returns the checks of where packages come from: that it answers, and how old its index is. */
export function upstreamChecks(options: UpstreamOptions): Check[] {
  const { origin, before } = options;
  const upstream = origin.upstream ?? before?.upstream.url ?? DEFAULT_UPSTREAM;
  const isBrew = upstream === HOMEBREW || before?.request.clients.includes('brew') === true;
  const area = 'upstream';
  return [
    ...(upstream === HOMEBREW
      ? []
      : [{ area, check: 'index', work: (signal) => stoutIndex(upstream, options, signal) } satisfies Check]),
    ...(isBrew || origin.homebrew !== undefined
      ? [{ area, check: 'Homebrew', work: (signal) => homebrew(options, signal) } satisfies Check]
      : []),
  ];
}

const unnamed = (option: string): Result =>
  warning('This mirror was made from a folder, which it does not name.', `Name it with ${option}.`);

async function stoutIndex(where: string, options: UpstreamOptions, signal: AbortSignal): Promise<Result> {
  if (isUnnamedFolder(where)) return unnamed('--upstream');
  const location = UpstreamLocation.parse(where);
  const url = location.resolve('manifest.json');
  const bytes =
    url.protocol === 'file:'
      ? await location.read('manifest.json', MAX_MANIFEST)
      : await fetched(url, options, signal);
  const { version, created_at: createdAt } = parseIndexManifest(bytes, url.href);
  return aged(`${location.base.href}, version ${version}`, Date.parse(createdAt), options.now());
}

async function fetched(url: URL, { onTime }: UpstreamOptions, signal: AbortSignal): Promise<Uint8Array> {
  const answer = await ask(url, { limit: MAX_MANIFEST, signal });
  if (answer.time !== undefined) onTime(answer.time);
  return bytesOf(answer, url);
}

async function homebrew(
  { origin, before, now, onTime }: UpstreamOptions,
  signal: AbortSignal,
): Promise<Result> {
  const where = origin.homebrew ?? before?.homebrew?.url;
  if (isUnnamedFolder(where)) return unnamed('--homebrew');
  const { location } = HomebrewSource.parse(where);
  const url = location.resolve(OF_HOMEBREW);
  if (url.protocol === 'file:') {
    await location.read(OF_HOMEBREW, MAX_MANIFEST);
    return ok(location.base.href);
  }
  const answer = await ask(url, { method: 'HEAD', limit: 0, signal });
  bytesOf(answer, url);
  if (answer.time !== undefined) onTime(answer.time);
  return aged(location.base.href, Date.parse(answer.header('last-modified') ?? ''), now());
}

function aged(about: string, made: number, now: Date): Result {
  if (Number.isNaN(made)) return ok(about);
  const age = Math.max(now.getTime() - made, 0);
  const message = `${about}, made ${durationText(age / 1000)} ago`;
  return age < OLD ? ok(message) : warning(message, 'Ask whoever keeps it, or use another upstream.');
}
