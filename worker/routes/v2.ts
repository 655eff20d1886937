import { Hono } from 'hono';
import { hasCode } from '../../format/errors.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  type Services,
  servedSnapshot,
  storageFor,
} from '../context.ts';
import { momentary } from '../document.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { decodePath } from '../http/path.ts';
import { findBlob, Image } from '../images.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { fileRepresentation, lasting } from '../representations.ts';

/** The part of a path after the name of an image. */
const ENDPOINT = /^(.+)\/(?:(manifests|blobs|referrers)\/([^/]+)|tags\/list)$/;
/** Names, tags and digests as the OCI specifications define them ("Pulling manifests"; image-spec, "Digests"). */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const SHA256 = 'sha256:';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** Error codes of the specification with their status. */
const STATUS = {
  NAME_INVALID: 400,
  DIGEST_INVALID: 400,
  NAME_UNKNOWN: 404,
  MANIFEST_UNKNOWN: 404,
  BLOB_UNKNOWN: 404,
  UNSUPPORTED: 404,
} as const;

/** A request for a manifest or blob of an image. */
interface Pull {
  name: string;
  kind: 'manifests' | 'blobs';
  /** A digest, or a tag. */
  reference: string;
}

/**
 * Serves a registry to pull from, as the OCI distribution specification defines it: manifests by tag and digest, blobs by
 * digest, the tags of an image, and its referrers, of which a mirror has none. Errors of the request are in its form;
 * failures of this mirror are as everywhere else.
 */
export const v2Routes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>()
    .get('/v2', () => json({}))
    .get('/v2/*', (context) => answerTo(context, services).catch(notThere));

async function answerTo(context: AppContext, services: Services): Promise<Response> {
  const path = decodePath(context.req.path).slice('v2/'.length);
  if (path === '') return json({});
  const [endpoint, name = '', kind, reference = ''] = ENDPOINT.exec(path) ?? [];
  // A status of 404 says that this registry does not offer what some have, such as a catalogue.
  if (endpoint === undefined) return refusal('UNSUPPORTED', `This registry does not offer ${path}.`);
  if (!NAME.test(name)) return refusal('NAME_INVALID', `${name} cannot be the name of an image.`);
  if (kind === 'referrers') return referrers(context, services, name, reference);
  if (kind === 'manifests' || kind === 'blobs') return pull(context, services, { name, kind, reference });
  return tagList(context, services, name);
}

/** Answers for a channel or a snapshot that is not there: to a registry's clients, its path is part of the image's name. */
function notThere(error: unknown): Response {
  if (hasCode(error, 'not-found')) return refusal('NAME_UNKNOWN', error.message);
  throw error;
}

async function pull(context: AppContext, services: Services, asked: Pull): Promise<Response> {
  const { name, kind, reference } = asked;
  const isDigest = DIGEST.test(reference);
  if (!isDigest && (kind === 'blobs' || !TAG.test(reference)))
    return noDigest(reference, kind === 'manifests');
  const live = await servedSnapshot(context, services);
  const image = new Image(live, name);
  const entry = await find(live, image, asked);
  if (entry) {
    // A digest always names the same bytes; the bytes of a tag change with the mirror.
    const rule = isDigest ? CACHE_CONTROL.content : CACHE_CONTROL.changing;
    const representation = fileRepresentation(
      storageFor(context, services, live),
      entry,
      services.clock(),
      rule,
    );
    const found = lasting(services, live, representation, entry.until);
    return answer(context, services, { ...found, isInRegistry: true });
  }
  if (!(await image.exists())) return unknownImage(name);
  const code = kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN';
  return refusal(code, `This mirror does not have ${reference} of ${name}.`);
}

async function find(
  live: LiveSnapshot,
  image: Image,
  { kind, reference }: Pull,
): Promise<SnapshotEntry | undefined> {
  if (!reference.includes(':')) return image.byTag(reference);
  if (!reference.startsWith(SHA256)) return undefined;
  const sha256 = reference.slice(SHA256.length);
  return kind === 'blobs' ? findBlob(live, sha256) : image.byDigest(sha256);
}

/** Lists the tags of an image that follow `last`, at most `n` of them, and links to the rest. */
async function tagList(context: AppContext, services: Services, name: string): Promise<Response> {
  const tags = await new Image(await servedSnapshot(context, services), name).tags();
  if (tags.length === 0) return unknownImage(name);
  const start = context.req.query('last') ?? '';
  const [count] = /^\d+$/.exec(context.req.query('n') ?? '') ?? [];
  const following = tags.filter((tag) => tag > start);
  const part = count === undefined ? following : following.slice(0, Number(count));
  const last = part.at(-1);
  if (last === undefined || part.length === following.length) return json({ name, tags: part });
  // A registry below a path is asked at /v2/<path>/<name> by OCI clients, at <path>/v2/<name> by brew.
  const next = `${new URL(context.req.url).pathname}?n=${count}&last=${encodeURIComponent(last)}`;
  return json({ name, tags: part }, { headers: { link: `<${next}>; rel="next"` } });
}

/** Lists what refers to a manifest: nothing. Clients then look no further, as they would after a 404. */
async function referrers(
  context: AppContext,
  services: Services,
  name: string,
  subject: string,
): Promise<Response> {
  if (!DIGEST.test(subject)) return noDigest(subject, false);
  const image = new Image(await servedSnapshot(context, services), name);
  if (!(await image.exists())) return unknownImage(name);
  const isFiltered = context.req.query('artifactType') !== undefined;
  return json(
    { schemaVersion: 2, mediaType: INDEX, manifests: [] },
    { headers: { 'content-type': INDEX, ...(isFiltered ? { 'oci-filters-applied': 'artifactType' } : {}) } },
  );
}

const noDigest = (reference: string, orTag: boolean): Response =>
  refusal('DIGEST_INVALID', `${reference} is not a digest${orTag ? ' or a tag' : ''}.`);

const unknownImage = (name: string): Response => refusal('NAME_UNKNOWN', `This mirror has no image ${name}.`);

const refusal = (code: keyof typeof STATUS, message: string): Response =>
  json(
    { errors: [{ code, message }] },
    { status: STATUS[code], headers: { 'cache-control': CACHE_CONTROL.never } },
  );

function json(
  body: object,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Response {
  const usual = {
    'content-type': 'application/json',
    'docker-distribution-api-version': 'registry/2.0',
    'cache-control': CACHE_CONTROL.changing,
  };
  return momentary(JSON.stringify(body), { ...usual, ...headers }, status);
}
