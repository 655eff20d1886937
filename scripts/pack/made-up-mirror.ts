import { createHash } from 'node:crypto';
import { utf8 } from '../../format/bytes.ts';
import { encodeChanges } from '../../format/changes.ts';
import { blobName, CHANGES, MANIFEST, PACKAGE_LIST, POINTER, POLICY, SUMMARY } from '../../format/layout.ts';
import { type SecretKey, secretKeyOf } from '../../format/minisign/secret-key.ts';
import { encodePackageList, type ListedPackage } from '../../format/package-list.ts';
import { encodeRecords, type PackageRecord, recordsPath } from '../../format/package-record.ts';
import { encodePolicyDocument, NO_DECISIONS } from '../../format/policy.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import type { SnapshotEntry, StoredEntry } from '../../format/snapshot/entry.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { FORMAT, signRoot } from '../../format/snapshot/root.ts';
import { encodeSummary, totalsOf } from '../../format/summary.ts';

export const KEY: SecretKey = secretKeyOf(new Uint8Array(32).fill(1), new Uint8Array(8).fill(1));
const TAGS = ['arm64_sonoma', 'sonoma', 'x86_64_linux', 'arm64_linux'];
const MODIFIED = 1_790_000_000;
const SIZE = 2048;
/** Words as descriptions have them, one of them outside Latin-1, with so many others that about two packages in a hundred have each. */
const WORDS = [
  ...'command-line library for JSON and YAML – parser of network streams with tools to convert images, audio fast small secure'.split(
    ' ',
  ),
  ...Array.from({ length: 400 }, (_, at) => `word${at}`),
];

const hash = (algorithm: string, data: Uint8Array | string): string =>
  createHash(algorithm).update(data).digest('hex');

/** Returns the objects of a bucket with a mirror of so many packages; of package files, which have 2,048 bytes, only the first is there. */
export function madeUpMirror(count: number, now: Date): Map<string, Uint8Array> {
  const objects = new Map<string, Uint8Array>();
  const packages = Array.from({ length: count }, (_, at) => packageOf(at));
  const records = recordsOf(packages);
  const documents = new Map<string, Uint8Array>([
    [PACKAGE_LIST, encodePackageList(packages)],
    [
      SUMMARY,
      encodeSummary({
        ...{ version: '2026.11.01.1200', kinds: totalsOf(packages), homebrew_api: MODIFIED },
        platforms: Object.fromEntries(TAGS.map((tag) => [tag, { count, bytes: count * SIZE }])),
      }),
    ],
    [POLICY, encodePolicyDocument(NO_DECISIONS)],
    [CHANGES, encodeChanges({ snapshots: snapshotsOf(packages) })],
    [MANIFEST, manifestOf(packages)],
    ...records,
  ]);
  const entries: SnapshotEntry[] = [...documents].map(([name, bytes]) => {
    objects.set(blobName(hash('sha256', bytes)), bytes);
    return {
      name,
      size: bytes.length,
      sha256: hash('sha256', bytes),
      md5: hash('md5', bytes),
      modified: MODIFIED,
    };
  });
  for (const item of packages) for (const tag of item.tags) entries.push(...bottleOf(item, tag));
  objects.set(blobName(hash('sha256', BODY)), BODY);
  const { snapshot, leaves } = buildSnapshot({
    ...{ entries, now, validFor: 86_400, keyId: KEY.keyId },
    generator: { name: 'benchmark', version: '0', format: FORMAT },
  });
  for (const { reference, bytes } of leaves) objects.set(blobName(reference.sha256), bytes);
  objects.set(POINTER, encodeKept(signRoot(snapshot, KEY)));
  return objects;
}

const BODY = new Uint8Array(SIZE).fill(7);

function packageOf(at: number): ListedPackage {
  const word = WORDS[at % WORDS.length] ?? '';
  const desc = Array.from({ length: 9 }, (_, n) => WORDS[(at * 7 + n * 5) % WORDS.length]).join(' ');
  const name = `${word.replace(/\W/g, '') || 'dash'}-${at.toString(36)}`.toLowerCase();
  return {
    kind: at % 10 === 9 ? 'cask' : 'formula',
    name,
    version: `1.${at}`,
    desc,
    tags: TAGS,
    size: SIZE * TAGS.length,
  };
}

const pathOf = ({ name, version }: ListedPackage, tag: string): string =>
  `bottles/${name}-${version}.${tag}.bottle.tar.gz`;

/** The first bottle has the bytes that are there. */
const sha256Of = (path: string): string => hash('sha256', path.includes('-0-1.0.arm64_sonoma') ? BODY : path);

function bottleOf(item: ListedPackage, tag: string): StoredEntry[] {
  const path = pathOf(item, tag);
  const sha256 = sha256Of(path);
  const common = { size: SIZE, sha256, md5: sha256.slice(0, 32), modified: MODIFIED };
  return [
    { name: path, ...common },
    { name: blobName(sha256), ...common, path },
  ];
}

function recordsOf(packages: readonly ListedPackage[]): Map<string, Uint8Array> {
  const byPath = new Map<string, Record<string, PackageRecord[]>>();
  packages.forEach((item, at) => {
    const { kind, name, version, desc } = item;
    const path = recordsPath(hash('sha256', name));
    const names = byPath.get(path) ?? {};
    const near = [1, 2, 3, 4, 5].map((n) => packages[(at + n * 97) % packages.length] ?? item);
    names[name] = [
      {
        ...{
          kind,
          name,
          version,
          desc,
          homepage: 'https://example.org/',
          license: 'MIT',
          other_names: [],
          decisions: [],
        },
        files: item.tags.map((tag) => {
          const file = pathOf(item, tag);
          return { path: file, sha256: sha256Of(file), size: SIZE, tags: [tag] };
        }),
        dependencies: near.map((one) => ({
          kind: one.kind,
          name: one.name,
          type: 'runtime',
          here: true as const,
        })),
        // One is needed by very many, as OpenSSL is.
        needed_by: (at === 0 ? packages.slice(1, 2001) : near).map((one) => ({
          kind: one.kind,
          name: one.name,
        })),
      },
    ];
    byPath.set(path, names);
  });
  return new Map([...byPath].map(([path, names]) => [path, encodeRecords(names)]));
}

/** As many changes as the document names at most. */
const snapshotsOf = (packages: readonly ListedPackage[]) =>
  Array.from({ length: Math.min(100, packages.length) }, (_, at) => ({
    ...{ version: MODIFIED - at * 86_400, created_at: MODIFIED - at * 86_400 },
    counts: { added: 0, updated: 5, removed: 0, held: 0 },
    packages: packages
      .slice(at * 5, at * 5 + 5)
      .map(({ kind, name, version }) => ({ kind, name, from: '1.0', to: version })),
  }));

/** As long as a manifest is, which names every file. */
const manifestOf = (packages: readonly ListedPackage[]): Uint8Array =>
  utf8(
    JSON.stringify(
      Object.fromEntries(
        packages.map((item) => [
          item.name,
          item.tags.map((tag) => ({
            path: pathOf(item, tag),
            sha256: sha256Of(pathOf(item, tag)),
            size: SIZE,
          })),
        ]),
      ),
    ),
  );
