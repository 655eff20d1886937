import { type ErrorCode, MirrorError } from '../format/errors.ts';
import { HTML } from '../pages/page.ts';
import { problemPage, type Problem as ShownProblem } from '../pages/problem.ts';
import { CHALLENGE } from './access.ts';
import { momentary } from './document.ts';
import { preferredFormat } from './http/accept.ts';
import { isOnlyIfCached } from './http/caching.ts';
import { METHODS } from './http/cors.ts';
import { CHANNEL_LIST, KEPT_LIST } from './place.ts';

/** What to do about errors, from the host on which the app runs. */
export type Advice = Partial<Record<ErrorCode, string>>;

type Kind = [status: number, title: string, hint?: string];

const INSPECT =
  'The operator can list all such files at {base}/verify and repair them: stout-mirror publish --repair. For a file on demand, delete the object fetched/sha256/<SHA-256>: it is fetched again.';

/**
 * Storage does not hold what was signed. No client or proxy repeats such a request
 * (docs/decisions/0013-failed-dependency-for-damage.md).
 */
const DAMAGED = 424;

/** How each error is presented. The hints are those of a Worker; `{base}` in them is the path below which the mirror is served. */
const KINDS: Partial<Record<ErrorCode, Kind>> = {
  'bad-input': [400, 'Bad request'],
  'not-found': [
    404,
    'Not in this mirror',
    'Look for a package at {base}/ or by {base}/api/v1/packages?q=NAME; a path that ends in a slash lists its folder.',
  ],
  'on-demand': [404, 'Not fetched', 'This server has only what its operator mirrored: ask for another file.'],
  'source-failed': [503, 'Not fetched yet', 'Ask again in some seconds.'],
  'source-refused': [
    DAMAGED,
    'Source refused',
    'The source does not have the signed file. The operator can make the mirror again with stout-mirror update DIR.',
  ],
  'no-such-path': [404, 'No such path', '{base}/api/v1/openapi.json describes the paths of a mirror.'],
  'read-only': [405, 'Read-only', 'A mirror changes when its operator publishes: stout-mirror publish DIR.'],
  unauthorized: [401, 'Token needed', 'Ask the operator of this mirror for a token.'],
  unencrypted: [
    403,
    'Token sent over http',
    'Put https into the address of this mirror, and ask its operator to replace the token.',
  ],
  mismatch: [DAMAGED, 'Refused: not as signed', INSPECT],
  missing: [DAMAGED, 'Missing from storage', INSPECT],
  'too-large': [DAMAGED, 'Refused: not as signed'],
  busy: [429, 'Busy', 'Ask again in a few seconds.'],
  upstream: [503, 'Storage failed', 'Ask again in a moment.'],
  unpublished: [
    503,
    'Nothing published yet',
    'Publish a mirror here: stout-mirror publish DIR --bucket NAME --account ID',
  ],
  'bad-signature': [
    503,
    'Refused: signature',
    'Compare TRUSTED_KEYS with the public key that the mirror is signed with.',
  ],
  'rolled-back': [503, 'Refused: older than before'],
  'other-mirror': [503, 'Refused: another mirror', 'Compare MIRROR_ID with mirror in snapshot/root.json.'],
  expired: [503, 'Snapshot expired', 'Run stout-mirror sign, which renews the signatures, and publish.'],
  refused: [503, 'Not configured', 'The variables are explained in wrangler.toml.'],
};
const UNEXPECTED: Kind = [500, 'Internal error'];

/** What to do where a channel or a kept snapshot is not served, by the list of those that are. */
const LISTS = new Map([
  [CHANNEL_LIST, `${CHANNEL_LIST} lists the channels of this mirror.`],
  [KEPT_LIST, `${KEPT_LIST} lists the snapshots that this mirror keeps.`],
]);

const SOON = { 'retry-after': '5' };
/** As long as a source that failed is left alone. */
const LATER = { 'retry-after': '10' };

/** Headers that an error requires (RFC 9110 sections 10.2.3, 15.5.2 and 15.5.6). Of all that ask to wait, only these pass. */
const REQUIRED_HEADERS: Partial<Record<ErrorCode, Record<string, string>>> = {
  unauthorized: { 'www-authenticate': CHALLENGE },
  'read-only': { allow: METHODS },
  busy: SOON,
  upstream: SOON,
  'source-failed': LATER,
};

/** The client wanted only what is here, and that is not. */
const ONLY_IF_CACHED = 504;
const WITHOUT_ONLY_IF_CACHED = 'Ask without only-if-cached in Cache-Control.';

/** Returns whether a status is for the operator of this mirror, not for the client. */
export const isFault = (status: number): boolean =>
  status === DAMAGED || (status >= 500 && status !== ONLY_IF_CACHED);

/** Returns what clients may know of an error. An unexpected one may contain anything: its message goes to the log. */
export const detailOf = (error: unknown): string =>
  error instanceof MirrorError ? error.message : 'Something went wrong that should not have.';

/** A problem document (RFC 9457). */
interface Problem extends ShownProblem {
  type: string;
  code: ErrorCode | undefined;
  path: string | undefined;
}

/**
 * Responds to a request that cannot be served: with a page for browsers, plain text for curl and the like, otherwise with
 * a problem document. `advice` replaces the hints that are for a Worker. Links of the page begin with `base`, the path below which
 * the mirror is served.
 */
export async function problemResponse(
  error: unknown,
  request: Request,
  requestId?: string,
  advice: Advice = {},
  base = '',
): Promise<Response> {
  const problem = problemOf(error, request, requestId, advice, base);
  const { status, code } = problem;
  const [body, headers] = await render(problem, request.headers.get('accept'), base);
  // Our clients learn from the code what the status does not say: whether trying again can help.
  const reason = code === undefined ? {} : { 'mirror-error': code, ...REQUIRED_HEADERS[code] };
  return momentary(body, { vary: 'accept', ...reason, ...headers }, status);
}

function problemOf(
  error: unknown,
  request: Request,
  requestId: string | undefined,
  advice: Advice,
  base: string,
): Problem {
  const known = error instanceof MirrorError ? error : undefined;
  const kind = (known && KINDS[known.code]) ?? UNEXPECTED;
  const [usual, title, usualHint] = kind;
  const listHint = known?.code === 'not-found' ? LISTS.get(known.where ?? '') : undefined;
  const hint = listHint ?? (known && advice[known.code]) ?? usualHint;
  const isUncached = known?.code === 'on-demand' && isOnlyIfCached(request.headers);
  const status = isUncached ? ONLY_IF_CACHED : usual;
  return {
    type: kind === UNEXPECTED ? 'about:blank' : `urn:stout-mirror:${known?.code}`,
    status,
    title,
    hint: isUncached ? WITHOUT_ONLY_IF_CACHED : hint?.replaceAll('{base}', base),
    detail: detailOf(error),
    code: known?.code,
    path: known?.where,
    expected: known?.expected,
    found: known?.found,
    near: known?.near,
    request_id: requestId,
  };
}

async function render(
  problem: Problem,
  accept: string | null,
  base: string,
): Promise<[body: string, headers: Record<string, string>]> {
  const format = preferredFormat(accept) ?? (accept === null ? 'json' : 'text');
  if (format === 'html') return [await problemPage(problem, base), HTML];
  if (format === 'text') return [plainText(problem), { 'content-type': 'text/plain; charset=utf-8' }];
  return [`${JSON.stringify(problem, null, 2)}\n`, { 'content-type': 'application/problem+json' }];
}

function plainText({ status, title, detail, expected, found, hint, request_id }: Problem): string {
  const lines = [
    `${status} ${title}`,
    detail,
    expected && `expected: ${expected}`,
    found && `found: ${found}`,
    hint,
    isFault(status) && request_id && `request: ${request_id}`,
  ];
  return `${lines.filter(Boolean).join('\n')}\n`;
}
