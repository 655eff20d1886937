import { bottlePath } from '../../format/layout.ts';
import type { ManifestFormula } from '../../format/manifest.ts';
import { clientTags } from '../../format/tags.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { BottleNames } from './brew.ts';
import type { CatalogFormula } from './catalog.ts';
import { expectName, named } from './naming.ts';
import type { PlannedFormula, Remark } from './plan.ts';
import { bottleTagFor } from './platforms.ts';

/** A formula that the index only names. Throws as its parts do. */
export async function listFormula(
  index: Upstream,
  found: CatalogFormula,
): Promise<{ planned: PlannedFormula }> {
  const { planned } = await planFormula(index, found, [], new BottleNames(undefined));
  return { planned: { ...planned, mirrored: false } };
}

/**
 * A formula with a bottle for each of `tags`; those it has none for are remarked on. Bottles that brew asks for as well
 * have its `names`. Throws as its parts do.
 */
export async function planFormula(
  index: Upstream,
  { name, json_hash: upstreamHash, updated_at: updatedAt }: CatalogFormula,
  tags: readonly string[],
  names: BottleNames,
): Promise<{ planned: PlannedFormula; skipped: Remark[] }> {
  const json = await index.formula(name, upstreamHash);
  expectName(json.name, name);
  const { version, revision, rebuild = 0 } = json;
  const offered = new Set(Object.keys(json.bottles));
  const bottles: PlannedFormula['bottles'] = new Map();
  const lacking: string[] = [];
  for (const requested of tags) {
    const tag = bottleTagFor(requested, offered);
    const bottle = tag === undefined ? undefined : json.bottles[tag];
    if (tag === undefined || !bottle) {
      lacking.push(requested);
      continue;
    }
    const path = named(name, () =>
      names.pathOf(bottle.sha256, bottlePath({ name, version, revision, tag, rebuild })),
    );
    const file = { of: name, path, url: bottle.url, sha256: bottle.sha256, bottle };
    for (const platform of clientTags(requested)) bottles.set(platform, file);
  }
  return {
    planned: { json, upstreamHash, updatedAt, bottles, mirrored: true },
    skipped: lacking.length > 0 ? [{ name, reason: lackOf(lacking, offered) }] : [],
  };
}

/** Says of a formula that stays as it is which of the tags it has no bottle for. */
export function lacksOf(name: string, { bottles }: ManifestFormula, tags: readonly string[]): Remark[] {
  const lacking = tags.filter((tag) => !Object.hasOwn(bottles, tag));
  return lacking.length > 0 ? [{ name, reason: `no bottle for ${lacking.join(', ')}` }] : [];
}

function lackOf(tags: readonly string[], offered: ReadonlySet<string>): string {
  const has = offered.size > 0 ? `it has ${[...offered].sort().join(', ')}` : 'it has none at all';
  return `no bottle for ${tags.join(', ')} (${has})`;
}
