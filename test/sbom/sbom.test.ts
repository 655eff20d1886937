import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import type { SbomContents, SbomPackage } from '../../builder/sbom/contents.ts';
import { sbomOf } from '../../builder/sbom/sbom.ts';
import { sha256Hex } from '../../format/digest.ts';
import { isPackageFile } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { BREW_REQUEST, makeBrewMirror } from '../builder/homebrew/sample.ts';
import { commandLine } from '../support/command-line.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { stoutMirror } from '../support/programs.ts';
import { resignWith } from '../support/resign.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { schemaErrors } from './schema.ts';

interface Part {
  'bom-ref': string;
  type: string;
  name: string;
  version?: string;
  purl?: string;
  licenses?: unknown[];
  hashes?: { alg: string; content: string }[];
  components?: Part[];
}
interface Document {
  serialNumber: string;
  metadata: { timestamp: string; component: Part };
  components: Part[];
  dependencies: { ref: string; dependsOn?: string[] }[];
  vulnerabilities?: { id: string; affects: unknown; recommendation?: string }[];
}

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const made = await makeMirror(mirror, { request: { ...REQUEST, packages: ['curl', 'jq', 'python@3.11'] } });
const trust = ['--trust', publicKeyLine(TEST_KEY.publicKey)];
const run = (directory: string, ...args: string[]) => commandLine(['sbom', directory, ...args]);
const { status, stdout, stderr } = await run(mirror, ...trust);
const document: Document = JSON.parse(stdout);
const named = (name: string): Part | undefined => document.components.find((part) => part.name === name);

describe('the bill of materials of a mirror', () => {
  it('is valid by the official schema of CycloneDX 1.6', () => {
    expect([status, stderr]).toEqual([0, '']);
    expect(schemaErrors(document)).toEqual([]);
    expect(schemaErrors({ ...document, serialNumber: 'urn:uuid:1' })).not.toEqual([]);
  });

  it('is the same, byte for byte, whenever it is made', async () => {
    expect((await run(mirror, ...trust)).stdout).toBe(stdout);
    expect(Date.parse(document.metadata.timestamp)).toBe(made.version * 1000);
    expect(document.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it('is the same in every language, which sort names in their own ways', async () => {
    const { stdout: estonian } = await stoutMirror(['sbom', mirror, ...trust], { LC_ALL: 'et_EE.UTF-8' });
    expect(estonian).toBe(stdout);
  });

  it('names the mirror, its version and the signed root by its SHA-256', async () => {
    const { name, version, hashes } = document.metadata.component;
    const root = await readFile(join(mirror, 'snapshot', 'root.json'));
    const { mirror: id } = JSON.parse(root.toString('utf8'));
    expect([name, version]).toEqual([id, String(made.version)]);
    expect(hashes).toEqual([{ alg: 'SHA-256', content: sha256Hex(root) }]);
  });

  it('has a purl and a licence of each package', () => {
    expect(named('jq')).toMatchObject({ purl: 'pkg:brew/jq@1.7.1', licenses: [{ license: { id: 'MIT' } }] });
    expect(named('python@3.11')?.purl).toMatch(/^pkg:brew\/python%403\.11@3\.11\.\d+/);
    expect(named('firefox')?.purl).toMatch(/^pkg:brew\/homebrew\/cask\/firefox@/);
  });

  it('has each package file once, with the SHA-256 of its bytes', async () => {
    const files = document.components.flatMap(({ components = [] }) => components);
    const entries = (await readContents(mirror))?.entries ?? [];
    expect(files.map(({ name }) => name).sort()).toEqual(
      entries.map(({ name }) => name).filter(isPackageFile),
    );
    for (const { name, hashes } of files.slice(0, 5)) {
      expect(hashes).toEqual([{ alg: 'SHA-256', content: sha256Hex(await readFile(join(mirror, name))) }]);
    }
  });

  it('says what each package needs at run time, and what was asked for', () => {
    const needs = (ref: string) => document.dependencies.find((item) => item.ref === ref)?.dependsOn;
    expect(needs('formula/jq')).toEqual(['formula/oniguruma']);
    expect(needs('mirror')).toEqual([
      ...['formula/curl', 'formula/jq', 'formula/python@3.11', 'cask/firefox', 'cask/visual-studio-code'],
    ]);
    const refs = new Set(
      [document.metadata.component, ...document.components].map((part) => part['bom-ref']),
    );
    expect(
      document.dependencies.flatMap(({ dependsOn = [] }) => dependsOn).filter((ref) => !refs.has(ref)),
    ).toEqual([]);
  });

  it('has the vulnerabilities of the mirrored versions, and no others', async () => {
    expect(named('curl')?.version).toBe('8.16.0');
    expect(document.vulnerabilities).toBeUndefined();
    const vulnerable = join(folder, 'vulnerable');
    await copyMirror(mirror, vulnerable);
    await resignWith(vulnerable, TEST_KEY, 'vulns/cve.db', (local) => {
      const database = new DatabaseSync(local);
      database.exec("UPDATE affected_packages SET affected_versions = '>=8.6.0, <9' WHERE formula = 'curl'");
      database.close();
    });
    const ended = await run(vulnerable, ...trust);
    const found: Document = JSON.parse(ended.stdout);
    expect(schemaErrors(found)).toEqual([]);
    expect(found.vulnerabilities).toEqual([
      expect.objectContaining({
        ...{ id: 'CVE-2024-6197', ratings: [{ severity: 'high' }] },
        recommendation: 'Update curl to 8.9.0 or newer.',
        affects: [{ ref: 'formula/curl', versions: [{ version: '8.16.0', status: 'affected' }] }],
      }),
    ]);
  });

  test('of a mirror for brew has the bottles of brew and its Ruby too', async () => {
    const directory = join(folder, 'brew');
    await makeBrewMirror(directory, { request: { ...BREW_REQUEST, packages: ['jq'] } });
    const { stdout: text } = await run(directory, ...trust);
    const { components }: Document = JSON.parse(text);
    const all = components.flatMap((part) => [part, ...(part.components ?? [])]);
    const names = all.flatMap(({ type, name }) => (type === 'file' ? [name] : []));
    const entries = (await readContents(directory))?.entries ?? [];
    expect(names.sort()).toEqual(entries.map(({ name }) => name).filter(isPackageFile));
    expect(names.some((name) => name.includes('portable-ruby'))).toBe(true);
    expect(schemaErrors(JSON.parse(text))).toEqual([]);
    // What only brew gets is of its own version.
    expect(components.map((part) => part['bom-ref'])).toEqual([
      ...['formula/jq', 'formula/oniguruma', expect.stringMatching(/^formula\/portable-ruby@\d+\.\d+\.\d+$/)],
    ]);
  });
});

describe('a mirror is verified before its bill of materials is printed', () => {
  test('one that another key signed is refused', async () => {
    const ended = await run(mirror, '--trust', publicKeyLine(OTHER_KEY.publicKey));
    expect([ended.status, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toContain('is signed by key');
  });

  test.each(['index/formulas.db', 'index/casks.db', 'vulns/cve.db', 'manifest.json', 'index/packages.tsv'])(
    'a changed %s is named, and nothing is printed',
    async (path) => {
      const copy = join(folder, path.replace('/', '-'));
      await copyMirror(mirror, copy);
      await appendFile(join(copy, path), ' ');
      const ended = await run(copy, ...trust);
      expect([ended.status, ended.stdout]).toEqual([1, '']);
      expect(ended.stderr).toContain(path);
    },
  );
});

describe('a package from an odd upstream', () => {
  test('with a homepage that is a script has none', () => {
    expect(JSON.stringify(sbomOf(contents({ homepage: 'javascript:alert(1)' })))).not.toContain('alert');
  });

  const odd = (more: Partial<SbomPackage>): SbomPackage => ({
    ...{ kind: 'formula', name: 'odd', version: '1.0', desc: null, homepage: null, license: null },
    ...{ tap: 'homebrew/core', files: [], needs: [], isAskedFor: true, isForBrew: false },
    ...more,
  });
  const contents = (more: Partial<SbomPackage>, affected_versions: string | null = null): SbomContents => ({
    root: {
      ...{ format: 2, mirror: 'AAAAAAAAAAAAAAAA-1', version: 1 },
      ...{ created_at: '2026-01-01T00:00:00Z', expires_at: '2026-02-01T00:00:00Z' },
      generator: { name: 'test', version: '0', format: 2 },
      ...{ totals: { files: 0, bytes: 0 }, leaves: [] },
    },
    ...{ sha256: '0'.repeat(64), signedBy: 'AAAAAAAAAAAAAAAA', packages: [odd(more)], others: [] },
    advisories: {
      vulnerabilities: [
        {
          ...{ id: 'CVE-1', summary: '', details: null, severity: 'TERRIBLE', published: 'yesterday' },
          ...{
            modified: '2026-01-01T00:00:00Z',
            references_json: '["https://a.example/ x", 5, "no address"]',
          },
        },
      ],
      affected: [
        {
          vuln_id: 'CVE-1',
          formula: 'odd',
          ecosystem: null,
          package: null,
          affected_versions,
          fixed_version: null,
        },
        {
          vuln_id: 'CVE-1',
          formula: 'other',
          ecosystem: null,
          package: null,
          affected_versions,
          fixed_version: '2',
        },
      ],
    },
  });

  test('in another version for brew is there twice, each with what is known of it', () => {
    const two = { ...contents({}), packages: [odd({}), odd({ version: '2.0', isForBrew: true })] };
    const found = sbomOf(two) as Document;
    expect(schemaErrors(found)).toEqual([]);
    expect(found.components.map((part) => part['bom-ref'])).toEqual(['formula/odd', 'formula/odd@2.0']);
    expect(found.vulnerabilities?.[0]?.affects).toMatchObject([
      { ref: 'formula/odd' },
      { ref: 'formula/odd@2.0' },
    ]);
  });

  test.each([
    ['MIT', { license: { id: 'MIT' } }],
    [
      'GPL-2.0-or-later WITH Autoconf-exception-2.0',
      { expression: 'GPL-2.0-or-later WITH Autoconf-exception-2.0' },
    ],
    ['(MIT OR Apache-2.0) AND BSD-3-Clause', { expression: '(MIT OR Apache-2.0) AND BSD-3-Clause' }],
    ['Public Domain', { license: { name: 'Public Domain' } }],
    ['Cannot Represent', { license: { name: 'Cannot Represent' } }],
    ['MIT OR', { license: { name: 'MIT OR' } }],
    ['\u202eTIM', { license: { name: '\u202eTIM' } }],
  ])('with the licence %j keeps it in a valid document', (license, expected) => {
    const made = sbomOf(contents({ license })) as Document;
    expect(schemaErrors(made)).toEqual([]);
    expect(made.components[0]?.licenses).toEqual([expect.objectContaining(expected)]);
  });

  test.each([
    { homepage: 'not an address' },
    { homepage: 'https://a.example/{x} y|z' },
    { desc: '\u0000\u001b[2J' },
    { version: '' },
    { version: '1:2+3,4 5' },
    { name: 'gtk+3' },
    { tap: 'Some-Org/Some Tap' },
    { tap: '' },
  ])('with %j gives a valid document', (more) => {
    expect(schemaErrors(sbomOf(contents(more)))).toEqual([]);
  });

  test.each([
    ['1.0', [{ version: '1.0', status: 'affected' }]],
    ['>=0.9, <2', [{ version: '1.0', status: 'affected' }]],
    [null, [{ version: '1.0', status: 'unknown' }]],
    ['before the flood', [{ version: '1.0', status: 'unknown' }]],
    ['>=2', undefined],
  ])('with the affected versions %j has %j', (affected, versions) => {
    const made = sbomOf(contents({}, affected)) as Document;
    expect(schemaErrors(made)).toEqual([]);
    expect(made.vulnerabilities?.[0]?.affects).toEqual(versions && [{ ref: 'formula/odd', versions }]);
  });
});
