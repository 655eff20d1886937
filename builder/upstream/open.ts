import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import type { Manifest, MirrorRequest } from '../../format/manifest.ts';
import type { Reporter } from '../reporter.ts';
import type { Origin } from '../request/request.ts';
import { HomebrewApi } from './homebrew/api.ts';
import { HomebrewIndex } from './homebrew/index.ts';
import { HomebrewSource } from './homebrew/source.ts';
import { UpstreamLocation } from './location.ts';
import { StoutIndex } from './stout-index.ts';
import { HOMEBREW, isUnnamedFolder, placeName, type Upstream } from './upstream.ts';

/** Where packages come from if nothing is said. */
export const DEFAULT_UPSTREAM = 'https://raw.githubusercontent.com/neul-labs/stout-index/main';

/** What opening an upstream takes. */
export interface OpenOptions {
  origin: Origin;
  request: MirrorRequest;
  /** What the mirror so far says of itself. */
  before: Manifest | undefined;
  /** Folder for local copies, left to the caller. */
  scratch: string;
  reporter: Reporter;
}

/** An upstream, and Homebrew's API where packages or clients are Homebrew's. */
export interface OpenUpstream {
  index: Upstream;
  api: HomebrewApi | undefined;
}

/**
 * Opens the upstream that the command line names, else the one the mirror came from, else stout-index; and Homebrew's API
 * where brew is a client or Homebrew is the upstream. Throws `usage` for a place that cannot be one.
 */
export async function openUpstream(options: OpenOptions): Promise<OpenUpstream> {
  const { origin, request, before, scratch, reporter } = options;
  const where = origin.upstream ?? recorded(before?.upstream.url, '--upstream') ?? DEFAULT_UPSTREAM;
  if (where === HOMEBREW) {
    const api = await openApi(options);
    return { index: new HomebrewIndex(api), api };
  }
  const location = UpstreamLocation.parse(where);
  const api = request.clients.includes('brew') ? await openApi(options) : undefined;
  reporter.note(`Reading the index of ${location.base.href} …`);
  return { index: await StoutIndex.open(location, scratch, reporter), api };
}

/** Throws `usage` for places on the command line that cannot be an upstream. */
export function expectOrigin({ upstream, homebrew, homebrewKey }: Origin): void {
  if (upstream !== undefined && upstream !== HOMEBREW) UpstreamLocation.parse(upstream);
  if (homebrew !== undefined) HomebrewSource.parse(homebrew, homebrewKey);
}

function openApi({ origin, request, before, scratch, reporter }: OpenOptions): Promise<HomebrewApi> {
  const where = origin.homebrew ?? recorded(before?.homebrew?.url, '--homebrew');
  const source = HomebrewSource.parse(where, origin.homebrewKey ?? rememberedKey(where, before));
  reporter.note(`Reading Homebrew's API from ${source.location.base.href} …`);
  return HomebrewApi.open({
    ...{ source, tags: request.tags, older: request.clients.includes('brew') },
    ...{ folder: join(scratch, 'homebrew'), before: before?.homebrew?.generated_at ?? {} },
  });
}

/** Returns the key that came with a place, for as long as that is where Homebrew's API comes from. */
function rememberedKey(where: string | undefined, before: Manifest | undefined): string | undefined {
  if (where === undefined || before?.homebrew?.key === undefined) return undefined;
  return placeName(UpstreamLocation.parse(where)) === before.homebrew.url ? before.homebrew.key : undefined;
}

function recorded(url: string | undefined, option: string): string | undefined {
  if (!isUnnamedFolder(url)) return url;
  throw new MirrorError('usage', `This mirror was made from a folder: name it with ${option}.`);
}
