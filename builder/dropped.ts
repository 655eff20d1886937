import { isPackageFile } from '../format/layout.ts';
import type { MirrorRequest } from '../format/manifest.ts';
import { KINDS, type KindId } from '../format/packages/kinds.ts';
import { type Amount, plannedFiles } from './fetch/fetch.ts';
import { packagesOf } from './plan/changes.ts';
import { carriedFiles } from './plan/plan.ts';
import type { Prepared } from './prepare.ts';
import { formatDuration } from './request/duration.ts';

/** Something that a mirror had, or was made with, and no longer has after a run. */
export interface Dropped {
  what: 'platform' | 'client' | 'portable Ruby' | 'whole' | 'setting' | KindId;
  /** Of a setting, its key in a mirror.toml. */
  name: string;
  /** What a setting was, as a mirror.toml has it; absent for those that are true or false. */
  from?: string;
  /** What replaces it. */
  to?: string;
}

/** Settings that give a mirror more, by their keys in a mirror.toml. */
const MORE = {
  vulnerabilities: 'with-vulns',
  full_index: 'full-index',
  unchecked: 'allow-unchecked',
  dependencies: 'dependencies',
  dev_dependencies: 'dev-dependencies',
  all: 'all',
  on_demand: 'on-demand',
} satisfies Partial<Record<keyof MirrorRequest, string>>;

/** Package files that leave the index. */
export type LeavingFiles = Amount & { paths: string[] };

/** Returns what a prepared run takes away from its mirror. */
export function narrowingOf({ own, request, plan }: Pick<Prepared, 'own' | 'request' | 'plan'>): {
  remove: LeavingFiles;
  dropped: Dropped[];
} {
  const kept = new Set([...plannedFiles(plan), ...carriedFiles(plan)].map(({ path }) => path));
  const gone = (own?.entries ?? []).filter(
    ({ name, until }) => isPackageFile(name) && until === undefined && !kept.has(name),
  );
  const bytes = gone.reduce((sum, { size = 0 }) => sum + size, 0);
  const before = own?.manifest?.request;
  return {
    remove: { files: gone.length, bytes, paths: gone.map(({ name }) => name) },
    dropped: [...(before ? droppedSettings(before, request) : []), ...droppedPackages(own, plan)],
  };
}

function droppedPackages(own: Prepared['own'], plan: Prepared['plan']): Dropped[] {
  const stays = new Set(packagesOf(plan).map(({ kind, name }) => `${kind} ${name}`));
  const gone = (own?.packages ?? []).filter(({ kind, name }) => !stays.has(`${kind} ${name}`));
  return KINDS.flatMap(({ id }) => gone.filter(({ kind }) => kind === id)).map(({ kind, name }) => ({
    what: kind,
    name,
  }));
}

/** Returns the platforms, clients and settings that a request no longer has. What is replaced is named as it was. */
function droppedSettings(before: MirrorRequest, now: MirrorRequest): Dropped[] {
  const lacking = (what: Dropped['what'], had: readonly string[] = [], has: readonly string[] = []) =>
    had.filter((name) => !has.includes(name)).map((name): Dropped => ({ what, name }));
  const names = Object.entries(MORE).flatMap(([key, name]) => {
    const switched = key as keyof typeof MORE;
    return before[switched] && !now[switched] ? name : [];
  });
  const setting = (name: string, from?: string, to?: string): Dropped => ({
    ...{ what: 'setting', name },
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  });
  const values = valuesOf(now);
  return [
    ...lacking('platform', before.tags, now.tags),
    ...lacking('client', before.clients, now.clients),
    ...lacking('portable Ruby', before.portable_ruby, now.portable_ruby),
    // Without files on demand, everything is whole.
    ...(now.on_demand ? lacking('whole', before.whole, now.whole) : []),
    ...names.map((name) => setting(name)),
    ...Object.entries(valuesOf(before)).flatMap(([name, from]) =>
      from === undefined || from === values[name] ? [] : setting(name, from, values[name]),
    ),
    ...(['hold', 'deny'] as const).flatMap((rule) =>
      lacking('setting', before.policy?.[rule], now.policy?.[rule]).map(({ name }) =>
        setting(`policy.${rule}`, name),
      ),
    ),
  ];
}

/** Returns the settings with a value, by their keys in a mirror.toml, in its words. */
function valuesOf({
  public_url: url,
  valid_for: validFor,
  keep_snapshots: keep,
  policy = {},
}: MirrorRequest) {
  const span = (seconds: number | undefined) => (seconds === undefined ? undefined : formatDuration(seconds));
  return {
    'public-url': url ?? undefined,
    'valid-for': span(validFor),
    'keep-snapshots': keep?.toString(),
    'policy.min-age': span(policy.min_age),
    'policy.vulnerabilities': policy.vulnerabilities,
    'policy.licenses': policy.licenses?.allow.join(', '),
  } as Record<string, string | undefined>;
}
