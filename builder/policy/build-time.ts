import { MirrorError } from '../../format/errors.ts';
import { type FormulaJson, formula } from '../../format/packages/formula.ts';
import { type ImageIndex, parseImageIndex, readImageIndex } from '../upstream/homebrew/image.ts';
import type { UpstreamLocation } from '../upstream/location.ts';

/** A stout-index does not say how often a bottle was rebuilt, which is part of its tag: the first rebuilds are tried. */
const REBUILDS = [0, 1, 2, 3];
const BLOB = /^(.*\/)blobs\/sha256:([0-9a-f]{64})$/;
/** Tags that registries accept (OCI distribution specification, "Pulling manifests"). */
const OCI_TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = 'sh.brew.bottle.digest';
const CREATED = 'org.opencontainers.image.created';
/** A time of RFC 3339, or only its date, which is what brew writes. */
const TIME = /^\d{4}-\d\d-\d\d(?:[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d))?$/;

/**
 * Returns when a formula's bottles were built, Unix seconds, as the registry's image index declares (OCI image specification,
 * annotations), and `now` at the latest, so that a time to come neither lets a version in nor keeps it out for ever. `undefined`
 * where bottles are not in a registry, or no index that can be read declares it of them. Throws `unreachable`.
 */
export async function buildTime(
  location: UpstreamLocation,
  json: FormulaJson,
  now: number,
): Promise<number | undefined> {
  const [bottle] = Object.values(json.bottles);
  const [, repository, digest] = BLOB.exec(bottle?.url ?? '') ?? [];
  if (repository === undefined || digest === undefined) return undefined;
  const { version } = formula.summary(json);
  for (const rebuild of json.rebuild === undefined ? REBUILDS : [json.rebuild]) {
    const tag = version + (rebuild > 0 ? `-${rebuild}` : '');
    if (!OCI_TAG.test(tag)) return undefined;
    const address = `${repository}manifests/${tag}`;
    const index = await readIndex(location, address);
    // An index of the same version may be of another rebuild.
    if (!index?.manifests.some((image) => image.annotations[DIGEST] === digest)) continue;
    const created = index.annotations[CREATED] ?? '';
    const seconds = TIME.test(created) ? Math.floor(Date.parse(created) / 1000) : Number.NaN;
    return seconds >= 0 ? Math.min(seconds, now) : undefined;
  }
  return undefined;
}

/** Only a registry that does not answer may answer later; a build time that cannot be read is not declared. */
async function readIndex(location: UpstreamLocation, address: string): Promise<ImageIndex | undefined> {
  try {
    return parseImageIndex(await readImageIndex(location, address), address);
  } catch (error) {
    if (error instanceof MirrorError && error.code !== 'unreachable') return undefined;
    throw error;
  }
}
