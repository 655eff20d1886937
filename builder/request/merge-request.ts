import { MirrorError } from '../../format/errors.ts';
import { ALL, type MirrorRequest } from '../../format/manifest.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { hostTag } from './platforms.ts';
import type { Asked, PackageLists, SaidRequest, Settings } from './request.ts';

const DEFAULTS = {
  ...{ dependencies: true, dev_dependencies: true },
  ...{ vulnerabilities: false, full_index: false, unchecked: false },
  ...{ clients: ['stout'], portable_ruby: [], public_url: null },
} satisfies Partial<Settings>;

/** The settings that are lists: a run that extends a mirror adds to them. */
const LISTS = ['tags', 'clients', 'portable_ruby', 'whole'] as const;

/**
 * Returns the request that a run carries out: the packages that are asked for, with `extend` in addition to those of `before`.
 * Settings of which nothing is said stay as the mirror has them, unless the run is complete; at first they have their
 * defaults, and the platform is this machine's. `before` is what was asked for before; `isOwn` is false when that was asked of
 * the other mirror that files are linked from. Throws `usage`.
 */
export function mergeRequest(asked: Asked, before: MirrorRequest | undefined, isOwn = true): MirrorRequest {
  const { request, extend, complete = false } = asked;
  const base = extend ? before : undefined;
  const kept = (extend || isOwn) && !complete ? before : undefined;
  expectDependencies(request, base);
  const packages = KINDS.map(({ request: key }) => [key, [...(base?.[key] ?? []), ...request[key]]]);
  const settings: Settings = { tags: [hostTag()], ...DEFAULTS, ...kept, ...saidIn(request) };
  expectOnDemand(request, settings);
  const lists = LISTS.map((key) => [
    key,
    [...addedTo(request[key], extend, kept?.[key]), ...(settings[key] ?? [])],
  ]);
  const whole: Settings = { ...settings, ...Object.fromEntries(lists) };
  expectBrew(request, whole);
  return inOrder({
    ...whole,
    ...(Object.fromEntries(packages) as PackageLists),
    ...{ all: request.all || (base?.all ?? false), withdrawn: before?.withdrawn },
    places: { ...base?.places, ...request.places },
  });
}

/** Returns what stays of a list when a run extends a mirror: all of it, unless the run says that the list is empty. */
const addedTo = <T>(
  said: readonly T[] | undefined,
  extend: boolean,
  kept: readonly T[] = [],
): readonly T[] => (extend && said?.length !== 0 ? kept : []);

/** A run that names only some packages cannot decide this for those that it does not name. */
function expectDependencies(said: SaidRequest, base: MirrorRequest | undefined): void {
  const isLess = (['dependencies', 'dev_dependencies'] as const).some(
    (key) => said[key] === false && base?.[key],
  );
  if (!isLess) return;
  throw new MirrorError(
    'usage',
    'Leaving out dependencies concerns the whole mirror: use create with all its packages, without --update or --force.',
  );
}

/** Rubies that are said are for brew; those that a mirror had go with brew. */
function expectBrew({ portable_ruby: said }: SaidRequest, { clients }: Settings): void {
  if (!said?.length || clients.includes('brew')) return;
  throw new MirrorError('usage', '--portable-ruby is for brew: give --clients brew as well.');
}

/** Throws `usage` for what cannot be combined with files on demand, and for what has no meaning without them. */
function expectOnDemand({ whole }: SaidRequest, { on_demand: onDemand, public_url: url }: Settings): void {
  if (onDemand && url !== null) {
    throw new MirrorError(
      'usage',
      'A mirror on demand cannot have a public URL: a static host fetches nothing, so it would lack every file. ' +
        'Take one of them back with --no-on-demand or --no-public-url.',
    );
  }
  if (onDemand || !whole?.length) return;
  throw new MirrorError('usage', '--whole is for a mirror on demand: give --on-demand as well.');
}

const saidIn = (request: SaidRequest): Partial<Settings> =>
  Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));

/** Returns a request with sorted lists, without empty parts, and in one order: the same request always gives the same bytes. */
function inOrder(merged: MirrorRequest): MirrorRequest {
  const lists = Object.fromEntries(KINDS.map(({ request }) => [request, sorted(merged[request])]));
  const { places = {}, ...request } = merged;
  const asked = KINDS.flatMap((kind) => merged[kind.request].map((name) => `${kind.id} ${name}`));
  if (merged.all) asked.push(ALL);
  const known = asked.filter((key) => places[key] !== undefined).map((key) => [key, places[key]]);
  const clients = sorted([...merged.clients, 'stout' as const]);
  return {
    ...(lists as PackageLists),
    tags: sorted(merged.tags),
    dependencies: merged.dependencies,
    dev_dependencies: merged.dev_dependencies,
    vulnerabilities: merged.vulnerabilities,
    all: merged.all,
    full_index: merged.full_index,
    ...(request.withdrawn ? { withdrawn: request.withdrawn } : {}),
    unchecked: merged.unchecked,
    clients,
    portable_ruby: clients.includes('brew') ? sorted(merged.portable_ruby) : [],
    public_url: merged.public_url,
    ...(request.valid_for === undefined ? {} : { valid_for: request.valid_for }),
    ...((request.keep_snapshots ?? 1) > 1 ? { keep_snapshots: request.keep_snapshots } : {}),
    ...(request.policy ? { policy: request.policy } : {}),
    // What is whole concerns a mirror on demand alone.
    ...(request.on_demand ? { on_demand: true } : {}),
    ...(request.on_demand && request.whole?.length ? { whole: sorted(request.whole) } : {}),
    ...(known.length > 0 ? { places: Object.fromEntries(known) } : {}),
  };
}

const sorted = <Text extends string>(list: readonly Text[]): Text[] => [...new Set(list)].sort();
