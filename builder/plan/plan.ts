import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { bottlePath, caskPath } from '../../format/layout.ts';
import { clientTags } from '../../format/tags.ts';
import type { UpstreamBottle, UpstreamCask, UpstreamFormula } from '../upstream/package-json.ts';
import type { StoutIndex } from '../upstream/stout-index.ts';
import { Catalog, type CatalogCask, type CatalogFormula } from './catalog.ts';
import { type ClosureOptions, closureOf } from './closure.ts';
import { fileExtension } from './file-extension.ts';
import { bottleTagFor } from './platforms.ts';

const METADATA_REQUESTS = 16;

/** What a mirror is to contain. */
export interface PackageRequest extends ClosureOptions {
  formulas: readonly string[];
  casks: readonly string[];
  tags: readonly string[];
}

/** A file to mirror. */
export interface PlannedFile {
  path: string;
  url: string;
  sha256: string;
}

export interface PlannedFormula {
  json: UpstreamFormula;
  updatedAt: number | null;
  /** By the platform under which clients look the bottle up. */
  bottles: Map<string, PlannedFile & { bottle: UpstreamBottle }>;
}

export interface PlannedCask {
  json: UpstreamCask;
  updatedAt: number | null;
  /** By architecture; the empty one is the file for all. */
  files: Map<string, PlannedFile>;
}

export interface Plan {
  formulas: PlannedFormula[];
  casks: PlannedCask[];
  /** What was asked for or needed and cannot be had, with the reason. */
  skipped: { name: string; reason: string }[];
}

/**
 * Decides what a mirror contains; downloads package JSON, nothing else.
 * Throws `unknown-package`, or what the upstream throws. `onProgress` is told of JSON files read.
 */
export async function makePlan(
  index: StoutIndex,
  request: PackageRequest,
  onProgress: (done: number, total: number) => void,
): Promise<Plan> {
  const catalog = new Catalog(
    await index.formulas(),
    request.casks.length > 0 ? await index.casks() : undefined,
  );
  const { names, missing } = closureOf(catalog, request.formulas, request);
  const tokens = [...new Set(request.casks)].map((token) => catalog.cask(token));
  const skipped = missing.map(({ name, neededBy }) => ({
    name,
    reason: `needed by ${neededBy}, unknown upstream`,
  }));
  let done = 0;
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    onProgress(++done, names.length + tokens.length);
    return result;
  };
  const options = { concurrency: METADATA_REQUESTS };
  const formulas = await pMap(
    names,
    (name) => counted(planFormula(index, catalog.formula(name), request.tags)),
    options,
  );
  const casks = await pMap(tokens, (cask) => counted(planCask(index, cask)), options);
  return {
    formulas: formulas.map((one) => one.planned),
    casks: casks.flatMap((one) => one.planned ?? []),
    skipped: [...skipped, ...formulas.flatMap((one) => one.skipped), ...casks.flatMap((one) => one.skipped)],
  };
}

async function planFormula(
  index: StoutIndex,
  { name, json_hash, updated_at }: CatalogFormula,
  tags: readonly string[],
): Promise<{ planned: PlannedFormula; skipped: Plan['skipped'] }> {
  const json = await index.formula(name, json_hash);
  expectName(json.name, name);
  const offered = new Set(Object.keys(json.bottles));
  const bottles: PlannedFormula['bottles'] = new Map();
  const skipped: Plan['skipped'] = [];
  for (const requested of tags) {
    const tag = bottleTagFor(requested, offered);
    const bottle = tag === undefined ? undefined : json.bottles[tag];
    if (tag === undefined || !bottle) {
      skipped.push({ name, reason: `no bottle for ${requested}` });
      continue;
    }
    const { version, revision } = json;
    const path = named(name, () => bottlePath({ name, version, revision, tag, rebuild: 0 }));
    const file = { path, url: bottle.url, sha256: bottle.sha256, bottle };
    for (const platform of clientTags(requested)) bottles.set(platform, file);
  }
  return { planned: { json, updatedAt: updated_at, bottles }, skipped };
}

async function planCask(
  index: StoutIndex,
  { token, json_hash, updated_at }: CatalogCask,
): Promise<{ planned?: PlannedCask; skipped: Plan['skipped'] }> {
  const json = await index.cask(token, json_hash);
  expectName(json.token, token);
  const { sha256 } = json;
  if (sha256 === null || sha256 === 'no_check') {
    return { skipped: [{ name: token, reason: 'cask without a checksum: its file cannot be checked' }] };
  }
  const files = named(token, () => caskFiles(json, sha256));
  return { planned: { json, updatedAt: updated_at, files }, skipped: [] };
}

/** The files of a cask: one for each architecture, or one for all. */
function caskFiles(json: UpstreamCask, sha256: string): PlannedCask['files'] {
  const files: PlannedCask['files'] = new Map();
  for (const [arch, spec] of Object.entries(json.url_specs ?? {})) {
    files.set(arch, caskFile(json, arch, spec));
  }
  const isOneOfThem = [...files.values()].some((file) => file.sha256 === sha256);
  if (!isOneOfThem) files.set('', caskFile(json, '', { url: json.url, sha256 }));
  return files;
}

/** Says which package it was whose name or version no file can have. */
function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof MirrorError)) throw cause;
    const { code, message, expected, found } = cause;
    throw new MirrorError(code, `${name} cannot be mirrored: ${message}`, {
      where: name,
      expected,
      found,
      cause,
    });
  }
}

function expectName(found: string, expected: string): void {
  if (found === expected) return;
  throw new MirrorError('bad-input', `The upstream's JSON for ${expected} describes another package.`, {
    where: expected,
    expected,
    found: found.slice(0, 200),
  });
}

function caskFile(
  { token, version }: UpstreamCask,
  arch: string,
  { url, sha256 }: { url: string; sha256: string },
): PlannedFile {
  return { path: caskPath(token, version, arch, fileExtension(url)), url, sha256 };
}
