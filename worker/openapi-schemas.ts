import { KINDS } from '../format/packages/kinds.ts';
import { RULES } from '../format/policy.ts';
import { CHECK_NAMES } from '../format/verify/report.ts';

// The documents of the API, as JSON Schema.

export const text = { type: 'string' } as const;
export const count = { type: 'integer', minimum: 0 } as const;
const yes = { type: 'boolean' } as const;
const instant = { type: 'string', format: 'date-time' } as const;
const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
const cursor = { type: ['string', 'null'], description: 'Ask again with it while it is not null.' } as const;

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const oneOf = (...values: string[]) => ({ enum: values });
const list = (items: object, more: object = {}) => ({ type: 'array', items, ...more });

/** Returns the schema of an object with exactly these members, of which the `optional` ones may be missing. */
function exactly(properties: Record<string, object>, ...optional: string[]) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

const health = {
  ok: { ...yes, description: 'Whether clients can be served.' },
  status: { ...text, description: '`ok`, `unverified`, `expired`, or the code of what is wrong.' },
  not_as_signed: {
    oneOf: [
      { type: 'null' },
      exactly({
        files: { ...count, description: 'How many files.' },
        code: { ...text, description: 'Of the last: `mismatch`, `missing` or `too-large`.' },
        found_at: instant,
      }),
    ],
    description:
      'Files that this server refused, or a check of it named, in the last hour; null if there are none.',
  },
  on_demand: {
    oneOf: [
      { type: 'null' },
      exactly({
        fetched: { ...count, description: 'How many files.' },
        bytes: count,
        failed: { ...count, description: 'How many attempts.' },
      }),
    ],
    description:
      'What this server has fetched from sources of files on demand since it started; null if it fetches nothing.',
  },
};
const mirror = { type: 'string', pattern: '^[0-9A-F]{16}-[1-9][0-9]*$' } as const;
const snapshot = { mirror, version: count, created_at: instant, expires_at: instant };
const found = { expected: text, found: text };

const formula = {
  type: 'object',
  required: ['version', 'revision', 'json_path', 'bottles'],
  properties: {
    bottles: { type: 'object', additionalProperties: exactly({ path: text, sha256, size: count }, 'size') },
  },
};

export const SCHEMAS = {
  Health: {
    oneOf: [
      exactly({
        ...health,
        snapshot: exactly({
          ...snapshot,
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
  Package: exactly(
    {
      kind: oneOf(...KINDS.map(({ id }) => id)),
      name: text,
      version: text,
      desc: text,
      tags: list(text, { description: 'Platforms of bottles, architectures of casks.' }),
      size: { ...count, description: 'Bytes of all its files; absent if that is unknown.' },
    },
    'size',
  ),
  PackageList: exactly({
    version: { ...text, description: 'Of the index.' },
    count,
    packages: list(ref('Package')),
  }),
  Packages: exactly({ packages: list(ref('Package'), { minItems: 1 }) }),
  Manifest: {
    type: 'object',
    description: "manifest.json as it was signed: stout's MirrorManifest, with its generator and request.",
    required: [
      ...['version', 'created_at', 'platforms', 'generator', 'request'],
      ...KINDS.map(({ key }) => key),
    ],
    properties: {
      formulas: {
        type: 'object',
        required: ['count', 'packages'],
        properties: { count, packages: { type: 'object', additionalProperties: formula } },
      },
    },
  },
  Policy: {
    type: 'object',
    description:
      'policy.json as it was signed: why packages were held back, left out or let in. Times are Unix seconds.',
    required: ['decisions'],
    properties: {
      decisions: list({
        type: 'object',
        required: ['kind', 'name', 'version', 'rule', 'outcome', 'reason'],
        properties: {
          ...{ kind: text, name: text, version: text, reason: text, until: count },
          rule: oneOf(...RULES),
          outcome: oneOf('held', 'denied', 'waived', 'noted'),
          needs: { ...text, description: 'The package that it needs, and that the rule keeps out.' },
        },
      }),
      homebrew_api: {
        type: 'object',
        required: ['generated_at', 'waiting'],
        properties: { generated_at: count, waiting: list(count), until: count, noted: text },
      },
      seen: { type: 'object', description: 'The versions that wait, by kind and name.' },
    },
  },
  Listing: exactly({
    path: text,
    snapshot: count,
    entries: list({
      oneOf: [
        exactly({ name: text, type: { const: 'folder' } }),
        exactly(
          { name: text, type: { const: 'file' }, size: count, modified: instant, sha256 },
          'size',
          'sha256',
        ),
      ],
    }),
    cursor,
  }),
  Check: exactly({
    name: oneOf(...CHECK_NAMES),
    path: text,
    state: oneOf('passed', 'failed', 'not checked here'),
    evidence: text,
  }),
  Failure: exactly(
    {
      path: text,
      state: oneOf('mismatch', 'missing', 'unknown', 'expired', 'rolled-back', 'bad-signature'),
      message: text,
      ...found,
    },
    ...Object.keys(found),
  ),
  Report: exactly(
    {
      ok: { ...yes, description: 'True when this call found nothing wrong in what it checked.' },
      complete: { ...yes, description: 'True when this one call checked everything.' },
      depth: oneOf('quick', 'deep'),
      checked_at: instant,
      age_seconds: {
        ...count,
        description: 'Seconds since `checked_at`: a quick report is kept for a minute.',
      },
      snapshot: exactly({ ...snapshot, signed_by: text }),
      checks: list(ref('Check')),
      files: exactly({
        ...{ total: count, checked: count, verified: count, consistent: count },
        fetched: { ...count, description: 'Of these: files on demand, which are here by now.' },
        on_demand: { ...count, description: 'Not here, and need not be.' },
        expired: { ...count, description: 'Superseded, and no longer offered.' },
        failed: count,
      }),
      bytes: exactly({ total: count, checked: count }),
      failures: list(ref('Failure')),
      cursor,
    },
    'snapshot',
  ),
  Verdict: exactly(
    {
      ok: yes,
      snapshot: count,
      path: text,
      state: oneOf('verified', 'consistent', 'on demand', 'mismatch', 'missing', 'unknown'),
      evidence: oneOf('bytes', 'stored sha256', 'stored md5', 'none'),
      message: text,
      ...found,
    },
    ...['message', ...Object.keys(found)],
  ),
  Problem: exactly(
    {
      type: { type: 'string', format: 'uri-reference' },
      title: text,
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: text,
      code: { ...text, description: 'A stable word: `not-found`, `no-such-path`, `mismatch`, …' },
      path: text,
      ...found,
      hint: text,
      request_id: { ...text, description: 'The same as in the server’s log.' },
    },
    ...['code', 'path', 'hint', 'request_id', ...Object.keys(found)],
  ),
};
