import { type ErrorCode, MirrorError } from '../format/errors.ts';
import { CHALLENGE } from './access.ts';
import { momentary } from './document.ts';
import { preferredFormat } from './http/accept.ts';
import { METHODS } from './http/cors.ts';
import { HTML } from './pages/page.ts';
import { problemPage, type Problem as ShownProblem } from './pages/problem.ts';

type Kind = [status: number, title: string, hint?: string];

const INSPECT =
  'The operator can list all such files at /verify and repair them: stout-mirror publish --repair.';

/** How each error is presented. */
const KINDS: Partial<Record<ErrorCode, Kind>> = {
  'bad-input': [400, 'Bad request'],
  'not-found': [
    404,
    'Not in this mirror',
    'Look for a package at / or by /api/v1/packages?q=NAME; a path that ends in a slash lists its folder.',
  ],
  'on-demand': [404, 'Not fetched', 'This server has only what its operator mirrored: ask for another file.'],
  'no-such-path': [404, 'No such path', '/api/v1/openapi.json describes the paths of a mirror.'],
  'read-only': [405, 'Read-only', 'A mirror changes when its operator publishes: stout-mirror publish DIR.'],
  unauthorized: [401, 'Token needed', 'Ask the operator of this mirror for a token.'],
  mismatch: [502, 'Refused: not as signed', INSPECT],
  missing: [502, 'Missing from storage', INSPECT],
  'too-large': [502, 'Refused: not as signed'],
  busy: [429, 'Busy', 'Ask again in a few seconds.'],
  upstream: [502, 'Storage failed', 'Ask again in a moment.'],
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
  expired: [
    503,
    'Snapshot expired',
    'Run stout-mirror create again, which signs a new snapshot, and publish.',
  ],
  refused: [503, 'Not configured', 'The variables are explained in wrangler.toml.'],
};
const UNEXPECTED: Kind = [500, 'Internal error'];

/** Headers that a status requires (RFC 9110 sections 15.5.2 and 15.5.6, RFC 6585 section 4). */
const REQUIRED_HEADERS: Readonly<Record<number, Record<string, string>>> = {
  401: { 'www-authenticate': CHALLENGE },
  405: { allow: METHODS },
  429: { 'retry-after': '5' },
};

/** A problem document (RFC 9457). */
interface Problem extends ShownProblem {
  type: string;
  code: string | undefined;
  path: string | undefined;
}

/**
 * Responds to a request that cannot be served: with a page for browsers, plain text for curl and the like, otherwise with
 * a problem document.
 */
export async function problemResponse(
  error: unknown,
  request: Request,
  requestId?: string,
): Promise<Response> {
  const problem = problemOf(error, request, requestId);
  const { status, code } = problem;
  const [body, headers] = await render(problem, request.headers.get('accept'));
  // Our clients learn from the code what the status does not say: whether trying again can help.
  const reason = code === undefined ? {} : { 'mirror-error': code };
  return momentary(body, { vary: 'accept', ...reason, ...REQUIRED_HEADERS[status], ...headers }, status);
}

function problemOf(error: unknown, request: Request, requestId: string | undefined): Problem {
  const known = error instanceof MirrorError ? error : undefined;
  const kind = (known && KINDS[known.code]) ?? UNEXPECTED;
  const [usual, title, hint] = kind;
  // RFC 9111 section 5.2.1.7: the client wants no other server to be asked.
  const isOnlyCached = /\bonly-if-cached\b/i.test(request.headers.get('cache-control') ?? '');
  const status = known?.code === 'on-demand' && isOnlyCached ? 504 : usual;
  return {
    type: kind === UNEXPECTED ? 'about:blank' : `urn:stout-mirror:${known?.code}`,
    status,
    title,
    hint,
    // An unexpected error may contain anything: its message goes to the log, not to the client.
    detail: known ? known.message : 'Something went wrong that should not have.',
    code: known?.code,
    path: known?.where,
    expected: known?.expected,
    found: known?.found,
    request_id: requestId,
  };
}

async function render(
  problem: Problem,
  accept: string | null,
): Promise<[body: string, headers: Record<string, string>]> {
  const format = preferredFormat(accept) ?? (accept === null ? 'json' : 'text');
  if (format === 'html') return [await problemPage(problem), HTML];
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
    status >= 500 && request_id && `request: ${request_id}`,
  ];
  return `${lines.filter(Boolean).join('\n')}\n`;
}
