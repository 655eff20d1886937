import { Hono } from 'hono';
import { isSha256 } from '../../format/digest.ts';
import { type AppContext, type AppEnvironment, answer, type Services, servedSnapshot } from '../context.ts';
import { momentary } from '../document.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { decodePath } from '../http/path.ts';
import { findBlob, Image } from '../images.ts';
import { fileRepresentation } from '../representations.ts';

/** The part of a path after the name of an image. */
const ENDPOINT = /^(.+)\/(?:(manifests|blobs)\/([^/]+)|tags\/list)$/;
/** Names and tags as the OCI distribution specification defines them ("Pulling manifests"). */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = 'sha256:';

/** Error codes of the specification with their status. */
const STATUS = {
  NAME_INVALID: 400,
  DIGEST_INVALID: 400,
  NAME_UNKNOWN: 404,
  MANIFEST_UNKNOWN: 404,
  BLOB_UNKNOWN: 404,
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
 * digest, the tags of an image. Errors of the request are in its form; failures of this mirror are as everywhere else.
 */
export const v2Routes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>()
    .get('/v2', () => json({}))
    .get('/v2/*', async (context) => {
      const path = decodePath(new URL(context.req.url).pathname).slice('v2/'.length);
      if (path === '') return json({});
      const [, name = '', kind, reference = ''] = ENDPOINT.exec(path) ?? [];
      if (!NAME.test(name)) return refusal('NAME_INVALID', `A registry has no such path as ${path}.`);
      if (kind === 'manifests' || kind === 'blobs') return pull(context, services, { name, kind, reference });
      return tagList(context, services, name);
    });

async function pull(context: AppContext, services: Services, asked: Pull): Promise<Response> {
  const { name, kind, reference } = asked;
  const hex = reference.startsWith(DIGEST) ? reference.slice(DIGEST.length) : '';
  const sha256 = isSha256(hex) ? hex : undefined;
  if (sha256 === undefined && (kind === 'blobs' || !TAG.test(reference))) {
    const wanted = kind === 'blobs' ? 'a SHA-256 digest' : 'a SHA-256 digest or a tag';
    return refusal('DIGEST_INVALID', `${reference} is not ${wanted}.`);
  }
  const live = await servedSnapshot(context, services);
  const image = new Image(live, name);
  const entry =
    sha256 === undefined
      ? await image.byTag(reference)
      : await (kind === 'blobs' ? findBlob(live, sha256) : image.byDigest(sha256));
  if (entry) {
    // A digest always names the same bytes; the bytes of a tag change with the mirror.
    const rule = sha256 === undefined ? CACHE_CONTROL.changing : CACHE_CONTROL.content;
    const response = await answer(
      context,
      services,
      fileRepresentation(services.store, entry, services.clock(), rule),
    );
    response.headers.set('docker-content-digest', DIGEST + entry.sha256);
    return response;
  }
  if (!(await image.exists())) return refusal('NAME_UNKNOWN', `This mirror has no image ${name}.`);
  const code = kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN';
  return refusal(code, `This mirror does not have ${reference} of ${name}.`);
}

/** Lists all tags at once: an image has one for each version here, so `n` and `last` only make the list shorter. */
async function tagList(context: AppContext, services: Services, name: string): Promise<Response> {
  const tags = await new Image(await servedSnapshot(context, services), name).tags();
  if (tags.length === 0) return refusal('NAME_UNKNOWN', `This mirror has no image ${name}.`);
  const last = context.req.query('last') ?? '';
  const count = /^\d+$/.exec(context.req.query('n') ?? '');
  const following = tags.filter((tag) => tag > last);
  return json({ name, tags: count ? following.slice(0, Number(count[0])) : following });
}

const refusal = (code: keyof typeof STATUS, message: string): Response =>
  json({ errors: [{ code, message }] }, STATUS[code], CACHE_CONTROL.never);

function json(body: object, status = 200, cacheControl: string = CACHE_CONTROL.changing): Response {
  const headers = {
    'content-type': 'application/json',
    'docker-distribution-api-version': 'registry/2.0',
    'cache-control': cacheControl,
  };
  return momentary(JSON.stringify(body), headers, status);
}
