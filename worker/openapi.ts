/** The API in OpenAPI 3.1, as it is served; a test holds it against real answers. */

const json = (schema: object) => ({ 'application/json': { schema } });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const answer = (description: string, schema: object) => ({ description, content: json(schema) });

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const instant = { type: 'string', format: 'date-time' } as const;
const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;

/** An object that has exactly these members; those named in `optional` may be left out. */
function exactly(properties: Record<string, object>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ref('Problem') } },
});

const PROBLEMS = {
  '401': problem('A private mirror, asked without one of its tokens.'),
  '502': problem('What storage holds is not as signed, or is missing.'),
  '503': problem('Nothing can be served: not configured, nothing published, or not signed by a trusted key.'),
};

const query = (name: string, description: string, schema: object = text) => ({
  name,
  in: 'query',
  description,
  schema,
});

const inPath = (name: string, description: string) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: text,
});

const get = (summary: string, responses: object, parameters: readonly object[] = []) => ({
  get: {
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    responses: { ...responses, ...PROBLEMS },
  },
});

const health = {
  ok: { type: 'boolean', description: 'Whether clients can be served.' },
  status: { type: 'string', description: '`ok`, `unverified`, `expired`, or the code of what is wrong.' },
};

const file = exactly({ path: text, sha256, size: count });

const schemas = {
  Health: {
    oneOf: [
      exactly({
        ...health,
        snapshot: exactly({
          version: count,
          created_at: instant,
          expires_at: instant,
          sha256: { ...sha256, description: 'Of snapshot/root.json.' },
          files: count,
          bytes: count,
        }),
        signed_by: { type: ['string', 'null'], description: 'Id of the minisign key.' },
        expires_in_seconds: { type: 'integer' },
      }),
      exactly({ ...health, detail: text }),
    ],
  },
  Package: exactly({
    kind: { enum: ['formula', 'cask', 'linux-app'] },
    name: text,
    version: text,
    desc: text,
    tags: { type: 'array', items: text, description: 'Platforms of bottles, architectures of casks.' },
    size: { ...count, description: 'Bytes of all its files.' },
  }),
  PackageList: exactly({
    version: { ...text, description: 'Of the index.' },
    count,
    packages: { type: 'array', items: ref('Package') },
  }),
  Packages: exactly({ packages: { type: 'array', items: ref('Package'), minItems: 1 } }),
  Manifest: {
    type: 'object',
    description:
      "manifest.json as it was signed: stout's MirrorManifest, with who made it and what was asked for.",
    required: [
      'version',
      'created_at',
      'platforms',
      'formulas',
      'casks',
      'linux_apps',
      'generator',
      'request',
    ],
    properties: {
      formulas: {
        type: 'object',
        required: ['count', 'packages'],
        properties: {
          count,
          packages: {
            type: 'object',
            additionalProperties: {
              type: 'object',
              required: ['version', 'revision', 'json_path', 'bottles'],
              properties: { bottles: { type: 'object', additionalProperties: file } },
            },
          },
        },
      },
    },
  },
  Listing: exactly({
    path: text,
    snapshot: count,
    entries: {
      type: 'array',
      items: {
        oneOf: [
          exactly({ name: text, type: { const: 'folder' } }),
          exactly({ name: text, type: { const: 'file' }, size: count, modified: instant, sha256 }, [
            'sha256',
          ]),
        ],
      },
    },
    cursor: { type: ['string', 'null'], description: 'Ask again with it for what follows.' },
  }),
  Check: exactly({
    name: { enum: ['snapshot', 'manifest', 'index signature', 'signature', 'index', 'vulnerabilities'] },
    path: text,
    state: { enum: ['passed', 'failed', 'not checked here'] },
    evidence: text,
  }),
  Failure: exactly(
    {
      path: text,
      state: { enum: ['mismatch', 'missing', 'unknown', 'expired', 'bad-signature'] },
      message: text,
      expected: text,
      found: text,
    },
    ['expected', 'found'],
  ),
  Report: exactly(
    {
      ok: { type: 'boolean', description: 'Nothing wrong was found in what this call looked at.' },
      complete: { type: 'boolean', description: 'This one call looked at everything.' },
      depth: { enum: ['quick', 'deep'] },
      checked_at: instant,
      snapshot: exactly({ version: count, created_at: instant, expires_at: instant, signed_by: text }),
      checks: { type: 'array', items: ref('Check') },
      files: exactly({ total: count, checked: count, verified: count, consistent: count, failed: count }),
      bytes: exactly({ total: count, checked: count }),
      failures: { type: 'array', items: ref('Failure') },
      cursor: { type: ['string', 'null'], description: 'Ask again with it while it is not null.' },
    },
    ['snapshot'],
  ),
  Verdict: exactly(
    {
      ok: { type: 'boolean' },
      snapshot: count,
      path: text,
      state: { enum: ['verified', 'consistent', 'mismatch', 'missing', 'unknown'] },
      evidence: { enum: ['bytes', 'stored sha256', 'stored md5', 'none'] },
      expected: text,
      found: text,
      message: text,
    },
    ['expected', 'found', 'message'],
  ),
  Problem: exactly(
    {
      type: { type: 'string', format: 'uri-reference' },
      title: text,
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: text,
      code: { ...text, description: 'A stable word: `not-found`, `no-such-path`, `mismatch`, …' },
      path: text,
      expected: text,
      found: text,
      hint: text,
      request_id: { ...text, description: 'Also in the server’s log.' },
    },
    ['code', 'path', 'expected', 'found', 'hint', 'request_id'],
  ),
};

const NOT_HERE = { '404': problem('`not-found`: not in this mirror. `no-such-path`: in none.') };
const BAD_REQUEST = { '400': problem('A parameter that cannot be read.') };

export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'stout-mirror',
    version: '1',
    description:
      'What a mirror says of itself. Errors are problem documents (RFC 9457) for who asks for JSON.',
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
          '503': answer('They cannot, or the snapshot has expired.', ref('Health')),
        },
      },
    },
    '/api/v1/manifest': get('The signed manifest', { '200': answer('manifest.json', ref('Manifest')) }),
    '/api/v1/packages': get(
      'The packages, or those whose name or description holds `q`',
      {
        '200': answer(
          'Sorted by kind and name; with `q`, names that begin with it first.',
          ref('PackageList'),
        ),
      },
      [query('q', 'Part of a name or description, whatever the case.')],
    ),
    '/api/v1/packages/{name}': get(
      'The packages of one name: a formula and a cask may share it',
      { '200': answer('What is here.', ref('Packages')), ...NOT_HERE },
      [inPath('name', 'A formula, the token of a cask, or a Linux app.')],
    ),
    '/verify': get(
      'Holds the mirror against its signatures',
      { '200': answer('What this call found; `ok` is the verdict.', ref('Report')), ...BAD_REQUEST },
      [
        query('deep', 'Read every byte instead of what storage recorded.', { const: '1' }),
        query('cursor', 'Where an earlier report stopped.'),
        query('snapshot', 'A version that need not be live.', count),
      ],
    ),
    '/verify/{path}': get(
      'Reads one file and holds it against the snapshot',
      { '200': answer('The verdict.', ref('Verdict')), ...BAD_REQUEST, ...NOT_HERE },
      [inPath('path', 'A path of the tree, slashes and all.')],
    ),
    '/{folder}/': get(
      'What a folder holds, in parts of a thousand, for `Accept: application/json`',
      { '200': answer('A part, sorted by name.', ref('Listing')), ...BAD_REQUEST, ...NOT_HERE },
      [inPath('folder', 'A folder of the tree, slashes and all.'), query('cursor', 'From an earlier part.')],
    ),
  },
  components: {
    schemas,
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer' },
      basic: { type: 'http', scheme: 'basic', description: 'The token is the password.' },
    },
  },
};
