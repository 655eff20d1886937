import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { databasePath, INDEX_MANIFEST, MANIFEST, signaturePath } from '../../format/layout.ts';
import { encodeManifest } from '../../format/manifest.ts';
import type { WalkOptions } from '../../format/verify/context.ts';
import { verifyMirror } from '../../format/verify/walk.ts';
import { memorySource } from './memory-source.ts';
import {
  GENERATOR,
  indexManifestOf,
  KEY,
  MANIFEST_VALUE,
  type MirrorInput,
  NOW,
  OTHER_KEY,
  signatureOf,
  signMirror,
} from './support.ts';
import { damaged, failuresOf, verify } from './verify-support.ts';

const DATABASE = databasePath('formulas');

describe('verifying a mirror with a bad document', () => {
  it('when a manifest is altered but can still be parsed, its check fails', async () => {
    const report = await verify(damaged(MANIFEST, (bytes) => Uint8Array.of(...bytes, 0x20)));
    expect(report.checks.find((check) => check.name === 'manifest')?.state).toBe('failed');
  });

  it('when it is longer than listed, no more than the listed size is read', async () => {
    const mirror = signMirror();
    const source = memorySource(mirror.files);
    const limits = new Map<string, number>();
    const read = source.read;
    source.read = (entry, limit) => {
      limits.set(entry.name, limit);
      return read(entry, limit);
    };
    await verifyMirror(source, { trusted: [KEY.publicKey], now: NOW, depth: 'deep' });
    expect(limits.size).toBeGreaterThan(2);
    for (const [path, limit] of limits) expect(limit).toBe(mirror.files.get(path)?.length);
  });

  it('when a manifest is longer than the caller has time for, it is not read but as a file, and the report says so', async () => {
    const mirror = signMirror();
    const source = memorySource(mirror.files);
    const { read } = source;
    source.read = (entry, limit) =>
      entry.name === MANIFEST ? expect.unreachable('it was read') : read(entry, limit);
    const maxParsed = (mirror.files.get(MANIFEST)?.length ?? 0) - 1;
    const options = { trusted: [KEY.publicKey], now: NOW, depth: 'deep', maxParsed } as const;
    const report = await verifyMirror(source, options);
    expect(report.ok).toBe(true);
    expect(report.checks.find(({ name }) => name === 'manifest')?.state).toBe('not checked here');
    mirror.files.set(MANIFEST, utf8('{}'));
    expect(failuresOf(await verifyMirror(source, options))).toEqual([[MANIFEST, 'mismatch']]);
  });

  it("when the caller's own check fails, the mirror is not ok", async () => {
    const checkIndex: WalkOptions['checkIndex'] = async (_entries, _root, report) =>
      report.check({ name: 'index', path: DATABASE, state: 'failed', evidence: 'a bottle too many' });
    expect(await verify(signMirror(), { checkIndex })).toMatchObject({ ok: false, failures: [] });
  });

  it("when the caller's own check is not made, the mirror is ok and the report says so", async () => {
    const checkIndex: WalkOptions['checkIndex'] = async (_entries, _root, report) =>
      report.check({ name: 'index', path: DATABASE, state: 'not checked here', evidence: 'no SQLite' });
    const report = await verify(signMirror(), { checkIndex });
    expect(report.ok).toBe(true);
    expect(report.checks.at(-1)?.state).toBe('not checked here');
  });
});

describe('verifying a mirror whose signer signed nonsense', () => {
  const compressed = utf8('the compressed formulas database');
  const unsigned = utf8(
    new TextDecoder().decode(indexManifestOf(compressed)).replace('"signature"', '"signed_by"'),
  );
  const cases: [string, NonNullable<MirrorInput['files']>, string, string][] = [
    [
      "another key's index signature",
      () => ({ [INDEX_MANIFEST]: indexManifestOf(compressed, OTHER_KEY) }),
      INDEX_MANIFEST,
      'bad-signature',
    ],
    ['no index signature', () => ({ [INDEX_MANIFEST]: unsigned }), INDEX_MANIFEST, 'bad-signature'],
    [
      'an index signature over another database',
      () => ({ [INDEX_MANIFEST]: indexManifestOf(utf8('x')) }),
      INDEX_MANIFEST,
      'mismatch',
    ],
    ['no index manifest', () => ({ [INDEX_MANIFEST]: undefined }), INDEX_MANIFEST, 'missing'],
    ['no manifest', () => ({ [MANIFEST]: undefined }), MANIFEST, 'missing'],
    [
      'a manifest of another format',
      () => ({ [MANIFEST]: encodeManifest({ ...MANIFEST_VALUE, generator: { ...GENERATOR, format: 3 } }) }),
      MANIFEST,
      'mismatch',
    ],
    [
      'no signature of a database',
      () => ({ [signaturePath(DATABASE)]: undefined }),
      signaturePath(DATABASE),
      'missing',
    ],
    [
      'a signature of another database',
      () => ({ [signaturePath(DATABASE)]: signatureOf(DATABASE, utf8('A FORMULAS DATABASE')) }),
      signaturePath(DATABASE),
      'bad-signature',
    ],
    [
      "another database's signature",
      (files) => ({
        [signaturePath(DATABASE)]: signatureOf('index/casks.db', files.get(DATABASE) ?? utf8('')),
      }),
      signaturePath(DATABASE),
      'bad-signature',
    ],
    [
      "another key's signature of a database",
      (files) => ({
        [signaturePath(DATABASE)]: signatureOf(DATABASE, files.get(DATABASE) ?? utf8(''), OTHER_KEY),
      }),
      signaturePath(DATABASE),
      'bad-signature',
    ],
    [
      'an endless signature',
      () => ({ [signaturePath(DATABASE)]: new Uint8Array(20_000) }),
      signaturePath(DATABASE),
      'mismatch',
    ],
    [
      'a database without its signature',
      () => ({ 'index/casks.db': utf8('casks') }),
      'index/casks.db.sig',
      'missing',
    ],
  ];
  it.each(cases)(
    'when there is %s, it is named with and without hashing databases',
    async (_, files, path, state) => {
      for (const prehash of [true, false]) {
        const report = await verify(signMirror({ files }), {}, { prehash });
        expect(report.ok).toBe(false);
        expect(failuresOf(report)).toEqual([[path, state]]);
        expect(report.checks.filter((check) => check.state === 'failed')).toHaveLength(1);
      }
    },
  );
});
