import { createHash } from 'node:crypto';
import { utf8 } from '../../format/bytes.ts';
import { type Changes, encodeChanges } from '../../format/changes.ts';
import { CHANGES, PACKAGE_LIST, SUMMARY } from '../../format/layout.ts';
import { encodePackageList, type ListedPackage } from '../../format/package-list.ts';
import { encodeRecords, type PackageRecord, recordsPath } from '../../format/package-record.ts';
import { encodeSummary, totalsOf } from '../../format/summary.ts';
import { type MirrorInput, type SignedMirror, signMirror } from '../format/support.ts';

export const HOSTILE = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const contentOf = (path: string): Uint8Array => utf8(`the bytes of ${path}`);

const bottle = (name: string, tag: string): PackageRecord['files'][number] => {
  const path = `bottles/${name}.${tag}.bottle.tar.gz`;
  return { path, sha256: sha256(`the bytes of ${path}`), size: contentOf(path).length, tags: [tag] };
};
const TAGS = ['arm64_sequoia', 'arm64_sonoma', 'sonoma', 'arm64_linux', 'x86_64_linux'];

/** As Homebrew, the vendors and Flathub describe them. */
export const JQ: PackageRecord = {
  ...{ kind: 'formula', name: 'jq', version: '1.8.0', tap: 'homebrew/core', license: 'MIT', other_names: [] },
  desc: 'Lightweight and flexible command-line JSON processor',
  homepage: 'https://jqlang.github.io/jq/',
  files: TAGS.map((tag) => bottle('jq-1.8.0', tag)),
  dependencies: [
    { kind: 'formula', name: 'oniguruma', type: 'runtime', here: true },
    { kind: 'formula', name: 'autoconf', type: 'build' },
  ],
  needed_by: [],
  asked_for: { place: 'mirror.toml:4' },
  vulnerabilities: [
    { id: 'CVE-2025-49014', severity: 'high', summary: 'Use after free in f_strftime.', fixed: '1.8.1' },
  ],
  decisions: [],
};
export const OPENSSL: PackageRecord = {
  ...{ kind: 'formula', name: 'openssl@3', version: '3.5.2', tap: 'homebrew/core', license: 'Apache-2.0' },
  ...{ other_names: ['openssl', 'openssl@3.5'], desc: 'Cryptography and SSL/TLS Toolkit' },
  homepage: 'https://openssl-library.org',
  files: [{ ...bottle('openssl@3-3.5.2', 'all'), tags: [] }],
  dependencies: [{ kind: 'formula', name: 'ca-certificates', type: 'runtime', here: true }],
  needed_by: [{ kind: 'formula', name: 'gtk+3' }],
  decisions: [
    {
      ...{ kind: 'formula', name: 'openssl@3', version: '3.6.0', rule: 'min-age', outcome: 'held' },
      ...{ reason: 'it is younger than 7 days', until: 1_795_000_000 },
    },
  ],
};
const GTK: PackageRecord = {
  ...{
    kind: 'formula',
    name: 'gtk+3',
    version: '3.24.50',
    other_names: [],
    desc: 'Toolkit for graphical user interfaces',
  },
  ...{ deprecated: true, files: [bottle('gtk+3-3.24.50', 'sonoma')], needed_by: [], decisions: [] },
  dependencies: [{ kind: 'formula', name: 'openssl@3', type: 'runtime', here: true }],
};
const DOCKER: PackageRecord = {
  ...GTK,
  name: 'docker',
  version: '28.3.3',
  desc: 'Pack, ship and run any application',
};
const DOCKER_CASK: PackageRecord = {
  ...{
    kind: 'cask',
    name: 'docker',
    version: '4.45.0',
    other_names: ['Docker Desktop'],
    desc: 'App to build and share containers',
  },
  ...{ homepage: 'https://www.docker.com/products/docker-desktop', unchecked: true, disabled: true },
  files: [{ ...bottle('docker-4.45.0', 'x'), path: 'casks/docker-4.45.0.dmg', tags: ['arm64'] }],
  ...{ dependencies: [], needed_by: [], decisions: [] },
};
const KRITA: PackageRecord = {
  ...{
    kind: 'linux-app',
    name: 'krita',
    version: '5.2.11',
    other_names: ['Krita'],
    desc: 'Digital painting',
  },
  files: [{ ...bottle('krita', 'x'), path: 'linux-apps/krita-5.2.11.appimage', tags: ['x86_64'] }],
  ...{ dependencies: [], needed_by: [], decisions: [], license: 'GPL-3.0-only' },
};
const DENIED: PackageRecord = {
  ...{ kind: 'formula', name: 'wget', other_names: [], files: [], dependencies: [], needed_by: [] },
  decisions: [
    {
      ...{ kind: 'formula', name: 'wget', version: '1.25.0', rule: 'licenses', outcome: 'denied' },
      reason: 'its licence GPL-3.0-or-later is not allowed',
    },
  ],
};
const EVIL: PackageRecord = {
  ...{ kind: 'formula', name: 'evil', version: HOSTILE, desc: HOSTILE, license: HOSTILE, tap: HOSTILE },
  ...{ homepage: 'javascript://a/%0aalert(1)', other_names: [HOSTILE], files: [] },
  dependencies: [{ kind: 'formula', name: HOSTILE, type: HOSTILE, here: true }],
  needed_by: [{ kind: 'formula', name: '"><b>' }],
  asked_for: { place: HOSTILE, as: HOSTILE },
  vulnerabilities: [{ id: HOSTILE, severity: HOSTILE, summary: HOSTILE, fixed: HOSTILE, unclear: true }],
  decisions: [
    { kind: 'formula', name: HOSTILE, version: HOSTILE, rule: 'hold', outcome: 'waived', reason: HOSTILE },
  ],
};
export const RECORDS = [JQ, OPENSSL, GTK, DOCKER, DOCKER_CASK, KRITA, DENIED, EVIL];

export const CHANGED: Changes = {
  snapshots: [
    {
      ...{ version: 3, created_at: 1_763_000_000, counts: { added: 1, updated: 1, removed: 1, held: 1 } },
      packages: [
        { kind: 'cask', name: 'docker', to: '4.45.0' },
        { kind: 'formula', name: 'gtk+3', from: '3.24.49', to: '3.24.50' },
        { kind: 'formula', name: 'evil', from: HOSTILE },
        { kind: 'formula', name: 'openssl@3', held: '3.6.0' },
      ],
    },
    { version: 2, created_at: 1_762_000_000, counts: { added: 900, updated: 0, removed: 0, held: 0 } },
  ],
};

/** Returns the files that describe packages, and a file for each that the records name. */
export function describing(
  records: readonly PackageRecord[],
  changes: Changes,
  brew: boolean,
): Record<string, Uint8Array> {
  const byPath = new Map<string, Record<string, PackageRecord[]>>();
  for (const record of records) {
    const path = recordsPath(sha256(record.name));
    const names = byPath.get(path) ?? {};
    byPath.set(path, { ...names, [record.name]: [...(names[record.name] ?? []), record] });
  }
  const listed = records.flatMap(({ kind, name, version, desc = '' }): ListedPackage[] =>
    version === undefined ? [] : [{ kind, name, version, desc, tags: [] }],
  );
  const api = brew ? { homebrew_api: 1_763_000_000 } : {};
  return {
    [PACKAGE_LIST]: encodePackageList(listed),
    [SUMMARY]: encodeSummary({ version: '2026.11.01.1200', kinds: totalsOf(listed), platforms: {}, ...api }),
    [CHANGES]: encodeChanges(changes),
    ...Object.fromEntries([...byPath].map(([path, names]) => [path, encodeRecords(names)])),
    ...Object.fromEntries(records.flatMap(({ files }) => files.map(({ path }) => [path, contentOf(path)]))),
  };
}

/** A signed mirror of these packages, with pages for each. */
export const describedMirror = (brew = true, more: MirrorInput = {}): SignedMirror =>
  signMirror({ now: new Date(), files: () => describing(RECORDS, CHANGED, brew), ...more });
