import { MirrorError } from '../format/errors.ts';
import { CHALLENGE } from './access.ts';
import { momentary } from './document.ts';
import { preferredFormat } from './http/accept.ts';
import { METHODS } from './http/cors.ts';
import { HTML } from './pages/page.ts';
import { problemPage } from './pages/problem.ts';

interface Kind {
  status: number;
  title: string;
  hint?: string;
}

const KINDS: Partial<Record<MirrorError['code'], Kind>> = {
  'bad-input': { status: 400, title: 'Bad request' },
  'not-found': {
    status: 404,
    title: 'Not in this mirror',
    hint: 'Look for a package at / or by /api/v1/packages?q=NAME; a path that ends in a slash lists its folder.',
  },
  'no-such-path': {
    status: 404,
    title: 'No such path',
    hint: '/api/v1/openapi.json describes the paths that there are.',
  },
  'read-only': {
    status: 405,
    title: 'Read-only',
    hint: 'What a mirror holds changes when its operator publishes: stout-mirror publish DIR.',
  },
  unauthorized: { status: 401, title: 'Token needed', hint: 'Ask whoever runs this mirror for a token.' },
  mismatch: {
    status: 502,
    title: 'Refused: not as signed',
    hint: 'The operator can see every damaged file at /verify and mend it: stout-mirror publish --repair.',
  },
  missing: {
    status: 502,
    title: 'Missing from storage',
    hint: 'The operator can see every missing file at /verify and mend it: stout-mirror publish --repair.',
  },
  'too-large': { status: 502, title: 'Refused: not as signed' },
  busy: { status: 429, title: 'Busy', hint: 'Ask again in a few seconds.' },
  upstream: { status: 502, title: 'Storage failed', hint: 'Ask again in a moment.' },
  unpublished: {
    status: 503,
    title: 'Nothing published yet',
    hint: 'Publish a mirror here: stout-mirror publish DIR --bucket NAME --account ID',
  },
  'bad-signature': {
    status: 503,
    title: 'Refused: signature',
    hint: 'Compare TRUSTED_KEYS with the public key that the mirror is signed with.',
  },
  'rolled-back': { status: 503, title: 'Refused: older than before' },
  expired: {
    status: 503,
    title: 'Snapshot expired',
    hint: 'Run stout-mirror create again, which signs anew, and publish.',
  },
  refused: {
    status: 503,
    title: 'Not configured',
    hint: 'The variables are explained in wrangler.toml.',
  },
};

/** Fields that a status has to come with (RFC 9110 sections 15.5.2 and 15.5.6, RFC 6585 section 4). */
const OWN_FIELDS: Readonly<Record<number, Record<string, string>>> = {
  401: { 'www-authenticate': CHALLENGE },
  405: { allow: METHODS },
  429: { 'retry-after': '5' },
};

const UNEXPECTED: Kind = { status: 500, title: 'Internal error' };

/** An error as it is told, in whatever format. */
interface Problem extends Kind {
  type: string;
  detail: string;
  code: string | undefined;
  path: string | undefined;
  expected: string | undefined;
  found: string | undefined;
  request_id: string | undefined;
}

/**
 * The answer to a request that cannot be served: a page for browsers, plain text for curl and its like, otherwise a
 * problem document (RFC 9457).
 */
export async function problemResponse(
  error: unknown,
  request: Request,
  requestId?: string,
): Promise<Response> {
  const problem = problemOf(error, requestId);
  const [body, headers] = await render(problem, request.headers.get('accept'));
  // Clients of ours read here what the status alone does not tell: whether asking again can help.
  const reason = problem.code === undefined ? {} : { 'mirror-error': problem.code };
  return momentary(
    body,
    { vary: 'accept', ...reason, ...OWN_FIELDS[problem.status], ...headers },
    problem.status,
  );
}

function problemOf(error: unknown, requestId: string | undefined): Problem {
  const known = error instanceof MirrorError ? error : undefined;
  const kind = (known && KINDS[known.code]) ?? UNEXPECTED;
  return {
    type: kind === UNEXPECTED ? 'about:blank' : `urn:stout-mirror:${known?.code}`,
    ...kind,
    // An error of our own making may hold anything: it goes to the log, not to the client.
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
    expected === undefined ? undefined : `expected: ${expected}`,
    found === undefined ? undefined : `found: ${found}`,
    hint,
    status >= 500 && request_id !== undefined ? `request: ${request_id}` : undefined,
  ];
  return `${lines.filter((line) => line !== undefined).join('\n')}\n`;
}
