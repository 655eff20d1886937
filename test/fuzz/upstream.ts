import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { retryAfterSeconds } from '../../builder/http/retry.ts';
import { caskJson } from '../../builder/upstream/homebrew/cask-json.ts';
import { formulaJson } from '../../builder/upstream/homebrew/formula-json.ts';
import { imageOf, parseImageIndex, parseImageManifest } from '../../builder/upstream/homebrew/image.ts';
import { verifyJws } from '../../builder/upstream/homebrew/jws.ts';
import { HomebrewPackages } from '../../builder/upstream/homebrew/packages.ts';
import { packagesSchema } from '../../builder/upstream/homebrew/payload.ts';
import { utf8 } from '../../format/bytes.ts';
import { rewritePackageJson } from '../../format/package-json.ts';
import { cask as caskKind } from '../../format/packages/cask.ts';
import { formula as formulaKind } from '../../format/packages/formula.ts';
import { parseJson } from '../../format/parse.ts';
import { parseChallenge, parseToken, tokenUrl } from '../../format/registry-token.ts';
import { SAMPLE_KEY, signJws } from '../../scripts/sample/homebrew/jws.ts';
import { NOW } from '../format/support.ts';
import { hostile, mutatedJson } from './mutation.ts';
import { anyText, type Effort, holds, parsed } from './support.ts';

const SHA256 = 'ab'.repeat(32);
const KEY = createPublicKey(SAMPLE_KEY);
const PAYLOAD_TEXT = '{"a": "é"}';
const SIGNED = signJws(PAYLOAD_TEXT);

const FORMULA = {
  ...{
    desc: ':a',
    homepage: 'https://x',
    license: { any_of: ['MIT', { GPL: { with: 'x' } }] },
    stable_version: '1.0',
  },
  ...{ revision: 1, bottle_rebuild: 2, bottle_checksum: SHA256, bottle_tag: ':all', bottle_cellar: ':any' },
  ...{
    stable_url_args: ['https://x'],
    stable_checksum: null,
    stable_dependencies: ['b', { c: [':build', ':test'] }],
  },
  ...{
    stable_uses_from_macos: [['d', { ':since': ':sonoma' }], [{ e: ':build' }]],
    aliases: ['f'],
    oldnames: [],
  },
  ...{
    conflicts: [['g', { because: 'x' }]],
    caveats: 'x',
    keg_only_args: [':versioned'],
    post_install_defined: true,
  },
  ...{ deprecate_args: { ':date': '2025-01-01' }, disable_args: { ':date': '2030-01-01' } },
};
const CASK = {
  ...{
    version: '1',
    sha256: SHA256,
    url_args: ['https://x'],
    names: ['X'],
    desc: 'x',
    homepage: 'https://x',
  },
  ...{
    raw_artifacts: [
      [':app', ['X.app'], { ':target': 'Y.app' }],
      [':zap', { ':trash': ['~/x'] }],
      [':pkg', ['x']],
    ],
  },
  ...{
    raw_caveats: 'x',
    depends_on_args: { ':macos': '>= :catalina' },
    conflicts_with_args: { ':cask': 'y' },
  },
  ...{
    container_args: { ':type': ':naked' },
    auto_updates: true,
    deprecate_args: {},
    tap_string: 'homebrew/cask',
  },
};
const PACKAGES = {
  metadata: { bottle_tag: 'arm64_sonoma', generated_at: 1_790_000_000 },
  ...{
    formulae: { a: FORMULA },
    casks: { x: CASK },
    formula_aliases: { f: 'a' },
    formula_renames: { old: 'a' },
  },
  ...{ formula_tap_git_head: 'abc', cask_tap_git_head: null },
};
const INDEX = {
  schemaVersion: 2,
  manifests: [
    {
      ...{ digest: `sha256:${SHA256}`, size: 5 },
      annotations: {
        'sh.brew.bottle.digest': SHA256,
        'org.opencontainers.image.ref.name': 'x',
        'sh.brew.tab': '{}',
      },
    },
  ],
};
const IMAGE = {
  schemaVersion: 2,
  config: { digest: `sha256:${SHA256}`, size: 1 },
  layers: [{ digest: `sha256:${SHA256}`, size: 1 }],
};
const STOUT_FORMULA = {
  ...{
    name: 'a',
    version: '1',
    revision: 0,
    desc: null,
    bottles: { all: { url: 'https://x', sha256: SHA256, cellar: ':any' } },
  },
  ...{ dependencies: { runtime: ['b'] }, aliases: [], flags: { deprecated: false } },
};
const STOUT_CASK = {
  ...{
    token: 'x',
    name: 'X',
    version: '1',
    sha256: 'no_check',
    url: 'https://x',
    artifacts: [{ type: 'app', source: 'X.app' }],
  },
  url_specs: { arm64: { url: 'https://x', sha256: SHA256 } },
};
const CHALLENGE = 'Bearer realm="https://registry.example/token",service="x",scope="repository:a:pull"';

export function upstreamProperties(effort: Effort): void {
  describe('upstreams', () => {
    holds(
      'what Homebrew signs is read as it was signed',
      effort,
      anyText,
      async (text) => {
        const payload = text.toWellFormed();
        expect(verifyJws(utf8(signJws(payload)), KEY, 'x')).toBe(payload);
      },
      0.1,
    );

    holds(
      'an altered file of Homebrew’s has no signature',
      effort,
      fc.oneof(hostile([SIGNED]), mutatedJson(JSON.parse(SIGNED))),
      async (text) => {
        const payload = await parsed(() => verifyJws(utf8(text), KEY, 'x'));
        if (payload !== undefined) expect(payload).toBe(PAYLOAD_TEXT);
      },
    );

    holds(
      'whatever Homebrew says of a package, it is understood or refused',
      effort,
      mutatedJson(PACKAGES),
      async (text) => {
        const payload = await parsed(() => parseJson(packagesSchema, utf8(text), 'x'));
        if (!payload) return;
        const packages = new HomebrewPackages();
        packages.add('arm64_sonoma', payload);
        packages.add('sonoma', payload);
        for (const formula of packages.formulas.packages())
          await parsed(() => formulaJson(formula, 'https://x/', null));
        for (const cask of packages.casks.packages())
          await parsed(() => caskJson(cask, packages.architectures, null));
      },
    );

    holds(
      'whatever a registry says of an image, it is understood or refused',
      effort,
      fc.tuple(mutatedJson(INDEX), mutatedJson(IMAGE)),
      async ([index, image]) => {
        const found = await parsed(() =>
          imageOf(parseImageIndex(utf8(index), 'x'), { sha256: SHA256, refName: 'x' }, 'x'),
        );
        if (found) expect(found.digest).toMatch(/^[0-9a-f]{64}$/);
        const config = await parsed(() => parseImageManifest(utf8(image), SHA256, 'x'));
        if (config) expect(config.config.digest).toMatch(/^[0-9a-f]{64}$/);
      },
    );

    holds(
      'whatever a stout-index says of a package, it is understood or refused',
      effort,
      fc.tuple(mutatedJson(STOUT_FORMULA), mutatedJson(STOUT_CASK)),
      async ([formula, cask]) => {
        const one = await parsed(() => parseJson(formulaKind.schema, utf8(formula), 'x'));
        for (const { sha256 } of Object.values(one?.bottles ?? {})) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
        const other = await parsed(() => parseJson(caskKind.schema, utf8(cask), 'x'));
        // What is taken is written again, and rewritten when it is served.
        for (const taken of [one, other])
          if (taken) rewritePackageJson(JSON.parse(JSON.stringify(taken)), 'https://x');
        if (other) expect(other.sha256 ?? 'no_check').toMatch(/^(?:[0-9a-f]{64}|no_check)$/);
      },
    );

    const asked = new URL('https://registry.example/v2/');
    holds(
      'a registry’s challenge leads nowhere but to itself',
      effort,
      hostile([CHALLENGE]),
      async (text) => {
        const challenge = parseChallenge(text);
        const url = challenge && (await parsed(() => tokenUrl(challenge, asked)));
        if (url) expect(url.origin).toBe(asked.origin);
        const token = await parsed(() => parseToken(utf8(text), 'x'));
        expect(token).toBeUndefined();
      },
    );

    holds(
      'a time to wait is one, or none',
      effort,
      hostile(['120', 'Sun, 01 Nov 2026 12:00:00 GMT']),
      (text) => {
        const seconds = retryAfterSeconds(text, NOW);
        if (seconds !== undefined) expect(seconds).toBeGreaterThanOrEqual(0);
      },
    );
  });
}
