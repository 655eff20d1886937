import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sha256 } from './bytes.ts';
import { findFile, send, sendFile } from './static-file.ts';

const MANIFEST_PATH = /^\/v2\/.+\/manifests\/[^/]+$/;
const BLOB_PATH = /^\/v2\/(?<repository>.+)\/blobs\/sha256:[0-9a-f]{64}$/;
const REPOSITORY = /^\/v2\/(?<repository>.+)\/(?:blobs|manifests)\//;

/** GET /token, as ghcr.io answers: a token for the scope that was asked for, 400 when there is none. */
export function sendToken(url: URL, response: ServerResponse): void {
  const scope = url.searchParams.get('scope');
  if (scope) send(response, 200, {}, { token: Buffer.from(scope).toString('base64url') });
  else sendError(response, 400, 'UNSUPPORTED', 'scope is required');
}

/**
 * GET /v2/…, as ghcr.io answers: 401 with directions to the token without a bearer, any bearer will do, and a blob is
 * a redirect to a signed address on another host.
 */
export async function sendRegistry(
  request: IncomingMessage,
  response: ServerResponse,
  { dir, url, blobOrigin }: { dir: string; url: URL; blobOrigin: string },
): Promise<void> {
  const path = url.pathname.replaceAll(/%3a/gi, ':');
  if (!/^Bearer \S/.test(request.headers.authorization ?? '')) {
    const repository = REPOSITORY.exec(path)?.groups?.repository ?? 'homebrew/core';
    return sendUnauthorized(response, url.origin, repository);
  }
  if (MANIFEST_PATH.test(path)) return sendManifest(request, response, await findFile(dir, path));
  if (!BLOB_PATH.test(path)) return sendError(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  if (!(await findFile(dir, path))) return sendError(response, 404, 'BLOB_UNKNOWN', 'blob unknown');
  send(response, 307, { Location: `${blobOrigin}${path}?sig=${signature(path)}` });
}

/** A manifest to those who accept its media type; to others it does not exist. */
async function sendManifest(
  request: IncomingMessage,
  response: ServerResponse,
  file: string | undefined,
): Promise<void> {
  if (file === undefined) return sendError(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  const text = await readFile(file, 'utf8');
  const { mediaType } = JSON.parse(text);
  if (!request.headers.accept?.includes(mediaType)) {
    return sendError(response, 404, 'MANIFEST_UNKNOWN', `Accept header does not support ${mediaType}`);
  }
  response.writeHead(200, {
    'Content-Type': mediaType,
    'Docker-Content-Digest': `sha256:${sha256(text)}`,
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

/** The other host, as GitHub's blob storage answers: only to the signature in the address, and to nothing besides. */
export async function sendBlob(
  request: IncomingMessage,
  response: ServerResponse,
  { dir, url }: { dir: string; url: URL },
): Promise<void> {
  if (request.headers.authorization !== undefined) {
    return sendError(response, 400, 'InvalidAuthenticationInfo', 'send no Authorization to this host');
  }
  if (url.searchParams.get('sig') !== signature(url.pathname)) {
    return sendError(response, 403, 'AuthenticationFailed', 'the signature is missing or wrong');
  }
  const file = await findFile(dir, url.pathname);
  if (file === undefined) return sendError(response, 404, 'BlobNotFound', 'no such blob');
  await sendFile(request, response, file);
}

function sendUnauthorized(response: ServerResponse, origin: string, repository: string): void {
  const scope = `repository:${repository}:pull`;
  response.setHeader('WWW-Authenticate', `Bearer realm="${origin}/token",service="ghcr.io",scope="${scope}"`);
  sendError(response, 401, 'UNAUTHORIZED', 'authentication required');
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  send(response, status, {}, { errors: [{ code, message }] });
}

/** No secret: it only has to show that a client follows the address as it was given. */
function signature(path: string): string {
  return sha256(`signed ${path}`).slice(0, 32);
}
