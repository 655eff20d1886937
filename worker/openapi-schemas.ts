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
        seconds: { type: 'number', minimum: 0, description: 'How long all of them took.' },
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

const kind = oneOf(...KINDS.map(({ id }) => id));

const decision = {
  type: 'object',
  required: ['kind', 'name', 'version', 'rule', 'outcome', 'reason'],
  properties: {
    ...{ kind: text, name: text, version: text, reason: text, until: count },
    rule: oneOf(...RULES),
    outcome: oneOf('held', 'denied', 'waived', 'noted'),
    needs: { ...text, description: 'The package that it needs, and that the rule keeps out.' },
  },
};

const file = exactly(
  {
    path: text,
    url: { ...text, description: 'Its address here, without a token.' },
    ...{ sha256, size: { ...count, description: 'Bytes; absent while unknown, of some files on demand.' } },
    version: { ...text, description: 'If it is another than that of the package: brew gets this one.' },
    tags: list(text, { description: 'The platforms or architectures that it serves; none for all.' }),
    signed_since: { ...instant, description: 'When this path first had this content.' },
    on_demand: { const: true, description: 'The server fetches it when somebody first asks.' },
  },
  ...['size', 'version', 'on_demand'],
);

const packageDetails = {
  type: 'object',
  description: 'What the page of a package says.',
  ...{ required: ['kind', 'name', 'other_names', 'files', 'dependencies', 'needed_by', 'decisions'] },
  properties: {
    kind,
    name: text,
    version: { ...text, description: 'Absent for a package that a rule keeps out.' },
    other_names: list(text),
    ...{ desc: text, homepage: text, license: text, tap: text },
    ...{ deprecated: { const: true }, disabled: { const: true } },
    files: list(file),
    unchecked: { const: true, description: 'The upstream declared no checksum.' },
    dependencies: list(exactly({ kind, name: text, type: text, here: { const: true } }, 'here')),
    needed_by: list(exactly({ kind, name: text })),
    needed_to_build: list(exactly({ kind, name: text })),
    asked_for: exactly({ place: text, as: text }, 'place', 'as'),
    vulnerabilities: list(
      { type: 'object', required: ['id'], properties: { id: text } },
      { description: 'Absent where the mirror does not have the advisories about it.' },
    ),
    decisions: list(decision),
  },
};

const snapshotChanges = exactly(
  {
    version: count,
    created_at: { ...count, description: 'Unix seconds.' },
    counts: exactly({ added: count, updated: count, removed: count, held: count }),
    packages: list(exactly({ kind, name: text, from: text, to: text, held: text }, 'from', 'to', 'held'), {
      description: 'Absent where there would be too many.',
    }),
  },
  'packages',
);

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
      kind,
      name: text,
      version: text,
      desc: text,
      tags: list(text, { description: 'Platforms of bottles, architectures of casks.' }),
      size: { ...count, description: 'Bytes of all its files; absent if that is unknown.' },
    },
    'size',
  ),
  PackageList: exactly({
    count: { ...count, description: 'How many match in all.' },
    packages: list(ref('Package')),
    near: list(text, { description: 'Names that may have been meant, where no name matches `q`.' }),
    next: {
      type: ['string', 'null'],
      description: 'Ask again with it as `after` while it is not null.',
    },
  }),
  Packages: exactly({ packages: list(ref('PackageDetails'), { minItems: 1 }) }),
  PackageDetails: packageDetails,
  Changes: exactly({ snapshots: list(ref('SnapshotChanges'), { description: 'The newest first.' }) }),
  SnapshotChanges: snapshotChanges,
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
      decisions: list(decision),
      homebrew_api: {
        type: 'object',
        required: ['generated_at', 'waiting'],
        properties: { generated_at: count, waiting: list(count), until: count, noted: text },
      },
      seen: { type: 'object', description: 'The versions that wait, by kind and name.' },
    },
  },
  Channels: exactly({
    channels: list(
      exactly(
        {
          ...{ name: text, path: { ...text, description: 'Where it is served.' }, version: count },
          ...{ created_at: instant, expires_at: instant },
          published_at: { ...instant, description: 'When the channel got this snapshot.' },
          signed_by: { type: ['string', 'null'], description: 'Key id; null if signatures are not checked.' },
          problem: { ...text, description: 'Why it is not served.' },
        },
        ...['version', 'created_at', 'expires_at', 'published_at', 'signed_by', 'problem'],
      ),
    ),
  }),
  Snapshots: exactly({
    total: {
      type: ['integer', 'null'],
      description: 'How many there are; null if they are too many to list: then none is listed.',
    },
    snapshots: list(exactly({ name: text, path: text, version: count, signed_by: text })),
  }),
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
      near: list(text, { description: 'Names of packages that may have been meant.' }),
      request_id: { ...text, description: 'The same as in the server’s log.' },
    },
    ...['code', 'path', 'hint', 'near', 'request_id', ...Object.keys(found)],
  ),
};
