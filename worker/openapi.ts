import { count, SCHEMAS, text } from './openapi-schemas.ts';

const json = (schema: object) => ({ 'application/json': { schema } });
const ref = (name: keyof typeof SCHEMAS) => ({ $ref: `#/components/schemas/${name}` });
const answer = (description: string, schema: object) => ({ description, content: json(schema) });
const PROBLEM = { 'application/problem+json': { schema: ref('Problem') } };

const problem = (description: string, headers: Record<string, object> = {}) => ({
  description,
  headers: { 'Mirror-Error': { description: 'The code of the problem.', schema: text }, ...headers },
  content: PROBLEM,
});

const CHALLENGES = { description: 'How to send a token.', schema: text };

const PROBLEMS = {
  '401': problem('A request to a private mirror without one of its tokens.', {
    'WWW-Authenticate': CHALLENGES,
  }),
  '403': problem('A request to a private mirror that carries its token over plain http.'),
  '424': problem('A stored file is not as signed, or is missing: asking again does not help.'),
  '503': problem(
    'With Retry-After: storage does not answer (`upstream`). Without it, the server may serve nothing: it is not configured, nothing is published, the signature does not hold, the snapshot is older than one that was served, of another mirror than `MIRROR_ID` names, or expired while `EXPIRED` is `refuse`.',
  ),
};

const query = (name: string, description: string, schema: object = text) =>
  ({ name, in: 'query', description, schema }) as const;

const inPath = (name: string, description: string) =>
  ({ name, in: 'path', required: true, description, schema: text }) as const;

const get = (summary: string, responses: object, parameters: readonly object[] = []) => ({
  get: {
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    responses: { ...responses, ...PROBLEMS },
  },
});

const NOT_HERE = { '404': problem('`not-found`: not in this mirror. `no-such-path`: not in any mirror.') };
const RETRY_AFTER = { description: 'Seconds after which to ask again.', schema: count };
const BUSY = {
  '429': problem('As many checks as may run at once are running.', { 'Retry-After': RETRY_AFTER }),
};
const NAME = 'The name of a package; of a cask, its token.';
const BAD_REQUEST = { '400': problem('An invalid parameter.') };

/** The API in OpenAPI 3.1, as it is served. Tests compare it with real responses. */
export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'stout-mirror',
    version: '1',
    description:
      'What a mirror reports about itself. Errors are problem documents (RFC 9457) for clients that ask for JSON.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [{}, { bearer: [] }, { basic: [] }],
  paths: {
    '/api/v1/health': {
      get: {
        summary: 'Whether clients can be served; needs no token',
        security: [],
        responses: {
          '200': answer('They can.', ref('Health')),
          '503': {
            description: 'They cannot, or the snapshot has expired; a problem when a variable is invalid.',
            content: { ...json(ref('Health')), ...PROBLEM },
          },
        },
      },
    },
    '/api/v1/manifest': get('The signed manifest', { '200': answer('manifest.json', ref('Manifest')) }),
    '/api/v1/policy': get('What the policy of the mirror decided, signed', {
      '200': answer('policy.json', ref('Policy')),
    }),
    '/api/v1/packages': get(
      'The packages, or those whose name or description contains `q`, in parts of at most a thousand. All of them in one file: `/index/packages.tsv`',
      {
        '200': answer(
          'A part: sorted by name; with `q`, the exact name first, then names that begin with it, names that contain it, descriptions.',
          ref('PackageList'),
        ),
        ...BAD_REQUEST,
      },
      [
        query('q', 'Words of names and descriptions, in any case; at most 100 characters.'),
        query('after', 'A name: the part begins after it. `next` of an earlier part.'),
        query('limit', 'Packages in the part; a few more where the last ones share a name.', {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: 1000,
        }),
      ],
    ),
    '/api/v1/packages/{name}': get(
      'The packages with a name: a formula and a cask may share it',
      { '200': answer('What is known of each.', ref('Packages')), ...BAD_REQUEST, ...NOT_HERE },
      [inPath('name', NAME)],
    ),
    '/packages/{name}': get(
      'The same; as a page for `Accept: text/html`',
      { '200': answer('What is known of each.', ref('Packages')), ...BAD_REQUEST, ...NOT_HERE },
      [inPath('name', NAME)],
    ),
    '/changes': get(
      'What changed from snapshot to snapshot, signed; as a page for `Accept: text/html`',
      { '200': answer('changes.json', ref('Changes')), ...BAD_REQUEST },
      [
        query('from', 'Of the page only: it begins at the snapshot with this version.', {
          type: 'integer',
          minimum: 0,
        }),
      ],
    ),
    '/changes.atom': get('The same as an Atom feed (RFC 4287)', {
      '200': { description: 'The newest twenty snapshots.', content: { 'application/atom+xml': {} } },
    }),
    '/badge.svg': get('An image that says whether the mirror is fresh, expiring, expired or unverified', {
      '200': { description: 'For READMEs.', content: { 'image/svg+xml': {} } },
    }),
    '/verify': get(
      'Compares the mirror with its signatures',
      { '200': answer('What this call found; `ok` is the verdict.', ref('Report')), ...BAD_REQUEST, ...BUSY },
      [
        query('deep', 'Read every byte instead of what storage recorded.', { const: '1' }),
        query('cursor', 'Where an earlier report stopped.'),
        query('snapshot', 'A kept snapshot: `<version>-<key id>`, or a version that only one has.'),
      ],
    ),
    '/verify/{path}': get(
      'Reads one file and compares it with the snapshot',
      { '200': answer('The verdict.', ref('Verdict')), ...BAD_REQUEST, ...NOT_HERE, ...BUSY },
      [inPath('path', 'A path of the tree, slashes included.')],
    ),
    '/channels/': get('The channels; each has all of these paths below its own', {
      '200': answer('The root’s first; what each has, of the first twelve.', ref('Channels')),
    }),
    '/at/': get('The kept snapshots; each has all of these paths below its own', {
      '200': answer('The newest first, at most 200.', ref('Snapshots')),
    }),
    '/{folder}/': get(
      'The names in a folder, in parts of a thousand, for `Accept: application/json`',
      {
        '200': {
          description: 'A part, in the order that was asked for; or the checksums of the files.',
          content: { ...json(ref('Listing')), 'text/plain': { schema: text } },
        },
        ...BAD_REQUEST,
        ...NOT_HERE,
      },
      [
        inPath('folder', 'A folder of the tree, slashes included.'),
        query('cursor', 'From an earlier part.'),
        query('before', 'A name: the part that ends before it.'),
        query('filter', 'Part of a name, in any case; at most 100 characters.'),
        query('sort', 'What the part is sorted by.', { enum: ['name', 'size', 'modified'] }),
        query('order', 'Ascending by default.', { enum: ['asc', 'desc'] }),
        query('format', 'The checksums of the files, as `sha256sum -c` reads them.', { const: 'sha256sums' }),
      ],
    ),
  },
  components: {
    schemas: SCHEMAS,
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer' },
      basic: { type: 'http', scheme: 'basic', description: 'The token is the password.' },
    },
  },
};
