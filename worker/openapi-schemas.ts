/** What the API's documents hold, as JSON Schema. Every object has exactly these members unless it says otherwise. */

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

export const text = { type: 'string' } as const;
export const count = { type: 'integer', minimum: 0 } as const;
const instant = { type: 'string', format: 'date-time' } as const;
const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;

/** An object that has exactly these members; those named in `optional` may be left out. */
function exactly(properties: Record<string, object>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

const health = {
  ok: { type: 'boolean', description: 'Whether clients can be served.' },
  status: { type: 'string', description: '`ok`, `unverified`, `expired`, or the code of what is wrong.' },
};

const file = exactly({ path: text, sha256, size: count });

export const SCHEMAS = {
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
