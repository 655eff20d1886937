import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { parseFailures, parseListing } from '../../builder/bucket/xml.ts';
import { utf8 } from '../../format/bytes.ts';
import { parseChanges } from '../../format/changes.ts';
import {
  encodeIndexManifest,
  indexSignatureText,
  parseIndexManifest,
  verifyIndex,
} from '../../format/index-manifest.ts';
import { indexVersion } from '../../format/index-version.ts';
import { CHANGES, INDEX_MANIFEST, MANIFEST, PACKAGE_LIST, POLICY, SUMMARY } from '../../format/layout.ts';
import { encodeManifest, parseManifest } from '../../format/manifest.ts';
import { contentUrl, type Json, rewritePackageJson } from '../../format/package-json.ts';
import { encodePackageList, parsePackageList } from '../../format/package-list.ts';
import { parseRecords } from '../../format/package-record.ts';
import { parsePolicyDocument } from '../../format/policy.ts';
import { parseSummary } from '../../format/summary.ts';
import { rawZstdFrame } from '../../format/zstd.ts';
import { KEY, MANIFEST_VALUE, OTHER_KEY, signMirror } from '../format/support.ts';
import { hostile, mutatedJson } from './mutation.ts';
import { anyText, count, type Effort, hex, holds, parsed } from './support.ts';

const { files } = signMirror();
const textAt = (path: string): string => Buffer.from(files.get(path) ?? '').toString();
const wellFormed = anyText.map((text) => text.toWellFormed());
const name = fc.oneof(fc.constantFrom('jq', 'constructor', '__proto__', 'prototype', 'toString'), wellFormed);
const files_ = fc.record({ path: wellFormed, sha256: hex(64), size: count });
const LISTING = `<?xml version="1.0"?><ListBucketResult><Contents><Key>a&amp;b</Key><Size>1</Size><ETag>"x"</ETag>
<LastModified>2026-11-01T12:00:00.000Z</LastModified></Contents><IsTruncated>false</IsTruncated></ListBucketResult>`;
const DECISION = {
  kind: 'formula',
  name: 'jq',
  version: '1.8',
  rule: 'min-age',
  outcome: 'held',
  reason: 'new',
};
const DECISIONS = JSON.stringify({
  decisions: [{ ...DECISION, until: 1_800_000_000, needs: 'oniguruma' }],
  seen: {
    formula: { jq: { version: '1.8', content: 'ab'.repeat(32), at: 1_790_000_000, built: 1_780_000_000 } },
  },
  homebrew_api: {
    generated_at: 1_790_000_000,
    waiting: [1_790_100_000],
    until: 1_790_400_000,
    noted: 'first',
  },
});
const RECORDS_PATH = 'index/packages/ab.json';
/** Documents that the sample does not have, or has empty. */
const DOCUMENTS: Record<string, string> = {
  [POLICY]: DECISIONS,
  [CHANGES]: JSON.stringify({
    snapshots: [
      {
        ...{ version: 2, created_at: 1_790_000_000 },
        counts: { added: 1, updated: 1, removed: 0, held: 1 },
        packages: [
          { kind: 'formula', name: 'jq', from: '1.7', to: '1.8' },
          { kind: 'cask', name: 'firefox', held: '9' },
        ],
      },
    ],
  }),
  [RECORDS_PATH]: JSON.stringify({
    jq: [
      {
        ...{ kind: 'formula', name: 'jq', version: '1.8', other_names: [], deprecated: true },
        files: [{ path: 'bottles/jq', sha256: 'ab'.repeat(32), size: 1, tags: ['sonoma'] }],
        dependencies: [{ kind: 'formula', name: 'oniguruma', type: 'runtime', here: true }],
        ...{ needed_by: [{ kind: 'cask', name: 'x' }], asked_for: { place: 'a:1', as: 'b' } },
        vulnerabilities: [{ id: 'CVE-1', severity: 'high', summary: 's', unclear: true, fixed: '2' }],
        decisions: [DECISION],
      },
    ],
  }),
};
const FAILURES = '<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>';

export function documentProperties(effort: Effort): void {
  describe('documents', () => {
    const packages = fc.array(
      fc.tuple(
        name,
        fc.record({
          version: wellFormed,
          revision: count,
          json_path: wellFormed,
          bottles: fc.dictionary(name, files_, { maxKeys: 3 }),
        }),
      ),
      { maxLength: 5 },
    );
    holds(
      'a manifest is read as it was written, whatever its packages are called',
      effort,
      packages,
      (listed) => {
        const manifest = {
          ...MANIFEST_VALUE,
          formulas: { count: listed.length, packages: Object.fromEntries(listed) },
        };
        expect(JSON.stringify(parseManifest(encodeManifest(manifest)).formulas)).toBe(
          JSON.stringify(manifest.formulas),
        );
      },
    );

    const line = wellFormed.map((text) => text.replace(/\s+/g, ' '));
    const list = fc.uniqueArray(
      fc.record({
        kind: fc.constantFrom('formula' as const, 'cask' as const, 'linux-app' as const),
        name: name.map((text) => text.replace(/\s+/g, ' ') || 'jq'),
        version: line,
        desc: line,
        tags: fc.array(fc.constantFrom('all', 'sonoma', 'arm64_linux'), { maxLength: 3 }),
        size: count,
      }),
      { maxLength: 8, selector: ({ kind, name }) => `${kind} ${name}` },
    );
    holds('a package list is read as it was written', effort, list, (listed) => {
      const read = parsePackageList(encodePackageList(listed));
      expect(new Set(read)).toEqual(new Set(listed));
    });

    const facts = fc.record({
      version: wellFormed,
      sha256: hex(64),
      size: count,
      formulas: count,
      casks: fc.option(count, { nil: undefined }),
      signedAt: fc.nat(),
    });
    holds(
      'an index manifest is read as it was signed, and by no other key',
      effort,
      facts,
      ({ version, sha256, size, formulas, casks, signedAt }) => {
        const database = (entries: number) => ({ count: entries, db_sha256: sha256, db_size: size });
        const indexes = {
          formulas: database(formulas),
          ...(casks === undefined ? {} : { casks: database(casks) }),
        };
        const read = parseIndexManifest(
          encodeIndexManifest({ version, created_at: 'now', indexes }, signedAt, KEY),
        );
        expect(indexSignatureText(read)).toBe(
          `stout-index:v1:${sha256}:${signedAt}:${version}:${formulas}:${casks ?? 0}`,
        );
        expect(verifyIndex(read, [KEY.publicKey])).toBe(true);
        expect(verifyIndex(read, [OTHER_KEY.publicKey])).toBe(false);
      },
      0.1,
    );

    for (const [path, parse] of [
      [MANIFEST, parseManifest],
      [INDEX_MANIFEST, parseIndexManifest],
      [POLICY, parsePolicyDocument],
      [SUMMARY, parseSummary],
      [CHANGES, parseChanges],
      [RECORDS_PATH, (bytes) => parseRecords(bytes, RECORDS_PATH)],
    ] satisfies [string, (bytes: Uint8Array) => object][]) {
      const text = DOCUMENTS[path] ?? textAt(path);
      holds(
        `what is no ${path} is refused as such, and what is one means the same again`,
        effort,
        fc.oneof(hostile([text]), mutatedJson(JSON.parse(text))),
        async (altered) => {
          const taken = await parsed<object>(() => parse(utf8(altered)));
          if (taken) expect(parse(utf8(JSON.stringify(taken)))).toEqual(taken);
        },
      );
    }

    holds(
      `what is no ${PACKAGE_LIST} is refused as such, and what is one means the same again`,
      effort,
      hostile([textAt(PACKAGE_LIST)]),
      async (altered) => {
        const taken = await parsed(() => parsePackageList(utf8(altered)));
        if (taken) expect(parsePackageList(encodePackageList(taken))).toHaveLength(taken.length);
      },
    );

    holds('a storage’s XML is understood or refused', effort, hostile([LISTING, FAILURES]), async (text) => {
      const listing = await parsed(() => parseListing(utf8(text), 'x'));
      for (const { key, size, modified } of listing?.objects ?? []) {
        expect(typeof key).toBe('string');
        expect(Number.isSafeInteger(size)).toBe(true);
        expect(Number.isNaN(modified.getTime())).toBe(false);
      }
      await parsed(() => parseFailures(utf8(text), 'x'));
    });

    const ORIGIN = 'https://mirror.example';
    holds(
      'a rewrite changes URLs of mirrored files and nothing else, and once only',
      effort,
      fc.json({ maxDepth: 4 }),
      (text) => {
        const value: Json = JSON.parse(text, (key, member) => (key === 'url' ? 'https://x' : member));
        const rewritten = rewritePackageJson(value, ORIGIN);
        expect(rewritePackageJson(rewritten, ORIGIN)).toEqual(rewritten);
        expect(JSON.stringify(rewritten)).toBe(JSON.stringify(value));
        const file = { url: 'x', sha256: 'ab'.repeat(32), path: 'a/b+c', more: value };
        expect(rewritePackageJson({ ...file }, ORIGIN)).toEqual({
          ...file,
          url: contentUrl(ORIGIN, file.sha256, file.path),
        });
      },
    );

    holds(
      'a frame holds what was put into it',
      effort,
      fc.tuple(fc.uint8Array({ maxLength: 50 }), fc.constantFrom(1, 1, 1, 6000)),
      ([bytes, times]) => {
        const content = new Uint8Array(Buffer.concat(Array.from({ length: times }, () => bytes)));
        expect(Buffer.compare(zstdDecompressSync(rawZstdFrame(content)), content)).toBe(0);
      },
    );

    holds(
      'a version of the index is another than the one before it',
      effort,
      fc.tuple(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }), anyText),
      ([now, other]) => {
        for (const before of [
          other,
          indexVersion(now),
          indexVersion(now, indexVersion(now)),
          `${indexVersion(now)}.${other}`,
        ]) {
          expect(indexVersion(now, before)).not.toBe(before);
        }
      },
    );
  });
}
