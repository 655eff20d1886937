import { MirrorError } from '../format/errors.ts';
import { CACHE_CONTROL } from './http/caching.ts';
import { problemPage } from './pages/problem.ts';
import { CONTENT_SECURITY_POLICY } from './pages/security-policy.ts';

interface Kind {
  status: number;
  title: string;
  hint?: string;
}

const KINDS: Partial<Record<MirrorError['code'], Kind>> = {
  'bad-input': { status: 400, title: 'Bad request' },
  'not-found': { status: 404, title: 'Not found' },
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

const UNEXPECTED: Kind = { status: 500, title: 'Internal error' };

/** The answer to a request that cannot be served: a page for browsers, otherwise a problem document (RFC 9457). */
export async function problemResponse(error: unknown, request: Request): Promise<Response> {
  const known = error instanceof MirrorError ? error : undefined;
  const { status, title, hint } = (known && KINDS[known.code]) ?? UNEXPECTED;
  // An error of our own making may hold anything: it goes to the log, not to the client.
  const detail = known ? known.message : 'Something went wrong that should not have.';
  // Clients of ours read here what the status alone does not tell: whether asking again can help.
  const reason = known ? { 'mirror-error': known.code } : {};
  const headers = { 'cache-control': CACHE_CONTROL.never, vary: 'accept', ...reason };
  if (request.headers.get('accept')?.includes('text/html')) {
    const page = await problemPage({ status, title, detail, ...(hint === undefined ? {} : { hint }) });
    return new Response(page, {
      status,
      headers: {
        ...headers,
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': CONTENT_SECURITY_POLICY,
      },
    });
  }
  const problem = {
    type: 'about:blank',
    title,
    status,
    detail,
    code: known?.code,
    path: known?.where,
    expected: known?.expected,
    found: known?.found,
    hint,
  };
  return new Response(`${JSON.stringify(problem, null, 2)}\n`, {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  });
}
