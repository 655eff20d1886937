import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { BREW_REQUEST, makeBrewMirror } from '../builder/homebrew/sample.ts';
import { RUNTIMES } from '../support/directory-runtimes.ts';
import { type Answer, jsonOf, send } from '../support/http.ts';
import { needs, runProgram } from '../support/programs.ts';
import type { Running } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
await makeBrewMirror(mirror, { request: { ...BREW_REQUEST, packages: ['wget', 'openssl@3'] } });

const REGISTRY = join(inject('upstream'), 'v2/homebrew/core');
const INDEX = await readFile(join(REGISTRY, 'wget/manifests/1.25.0-1'));
const { manifests } = JSON.parse(INDEX.toString());
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const imageOf = (tag: string) =>
  manifests.find((item: { annotations: Record<string, string> }) =>
    Object.values(item.annotations).includes(`1.25.0.${tag}.1`),
  );
const bottleOf = (tag: string): string => imageOf(tag).annotations['sh.brew.bottle.digest'];
const IMAGE = imageOf('arm64_sonoma');
const BOTTLE = bottleOf('arm64_sonoma');
const WGET = '/v2/homebrew/core/wget';
const NOTHING = `sha256:${'0'.repeat(64)}`;

describe.each(RUNTIMES)('a registry: %s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(mirror);
  });
  afterAll(() => running.close());
  const get = (path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> =>
    send(running.origin, path, { method, headers });

  test.each(['/v2/', '/v2'])('when asked at %s whether it is one, says so', async (path) => {
    const answer = await get(path);
    expect([answer.status, answer.headers['docker-distribution-api-version']]).toEqual([200, 'registry/2.0']);
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });

  test.each([
    ['its tag', '1.25.0-1', 'no-cache'],
    ['its digest', `sha256:${sha256(INDEX)}`, 'immutable'],
  ])(
    "when an image index is asked for by %s, it is the upstream's, byte for byte",
    async (_by, reference, rule) => {
      const [whole, head] = [
        await get(`${WGET}/manifests/${reference}`),
        await get(`${WGET}/manifests/${reference}`, 'HEAD'),
      ];
      expect(whole.body.equals(INDEX)).toBe(true);
      expect(head.body).toHaveLength(0);
      for (const { status, headers } of [whole, head]) {
        expect(status).toBe(200);
        expect(headers).toMatchObject({
          'content-type': 'application/vnd.oci.image.index.v1+json',
          'content-length': String(INDEX.length),
          'docker-content-digest': `sha256:${sha256(INDEX)}`,
        });
        expect(headers['cache-control']).toContain(rule);
      }
    },
  );

  test('when the image of a platform is asked for, so are its configuration and its bottle', async () => {
    const manifest = await get(`${WGET}/manifests/${IMAGE.digest}`);
    expect(manifest.headers['content-type']).toBe('application/vnd.oci.image.manifest.v1+json');
    expect(`sha256:${sha256(manifest.body)}`).toBe(IMAGE.digest);
    const { config, layers } = jsonOf(manifest);
    for (const { digest, size } of [config, ...layers]) {
      const blob = await get(`${WGET}/blobs/${digest}`);
      expect([blob.status, `sha256:${sha256(blob.body)}`, blob.body.length]).toEqual([200, digest, size]);
      expect(blob.headers['docker-content-digest']).toBe(digest);
    }
    const part = await get(`${WGET}/blobs/sha256:${BOTTLE}`, 'GET', { range: 'bytes=0-9' });
    expect([part.status, part.body.length]).toEqual([206, 10]);
  });

  test('when a digest is percent-encoded, as some clients do, it is found', async () => {
    expect((await get(`${WGET}/blobs/sha256%3A${BOTTLE}`)).status).toBe(200);
  });

  test('when tags are asked for, images by content are not among them', async () => {
    expect(jsonOf(await get(`${WGET}/tags/list`))).toEqual({
      name: 'homebrew/core/wget',
      tags: ['1.25.0-1'],
    });
    expect(jsonOf(await get('/v2/homebrew/core/openssl/3/tags/list')).tags).toEqual(['3.5.2']);
    expect(jsonOf(await get(`${WGET}/tags/list?n=0`)).tags).toEqual([]);
    expect(jsonOf(await get(`${WGET}/tags/list?last=1.25.0-1`)).tags).toEqual([]);
    for (const nonsense of ['', 'x', '-1', '1.5']) {
      expect(jsonOf(await get(`${WGET}/tags/list?n=${nonsense}`)).tags).not.toEqual([]);
    }
  });

  test.each([
    ['an index', `sha256:${sha256(INDEX)}`],
    ['an image', IMAGE.digest],
    ['what is not here', NOTHING],
  ])('when the referrers of %s are asked for, there are none', async (_what, digest) => {
    const answer = await get(`${WGET}/referrers/${digest}`);
    const index = 'application/vnd.oci.image.index.v1+json';
    expect([answer.status, answer.headers['content-type']]).toEqual([200, index]);
    expect(jsonOf(answer)).toEqual({ schemaVersion: 2, mediaType: index, manifests: [] });
    expect(answer.headers['oci-filters-applied']).toBeUndefined();
    const filtered = await get(`${WGET}/referrers/${digest}?artifactType=application%2Fspdx%2Bjson`);
    expect([filtered.status, filtered.headers['oci-filters-applied']]).toEqual([200, 'artifactType']);
  });

  test.each([
    [`${WGET}/manifests/1.24`, 404, 'MANIFEST_UNKNOWN'],
    [`${WGET}/manifests/${NOTHING}`, 404, 'MANIFEST_UNKNOWN'],
    [`${WGET}/manifests/sha256:${BOTTLE}`, 404, 'MANIFEST_UNKNOWN'],
    [`${WGET}/manifests/sha256-${IMAGE.digest.slice(7)}`, 404, 'MANIFEST_UNKNOWN'],
    [`/v2/homebrew/core/openssl/3/manifests/${IMAGE.digest}`, 404, 'MANIFEST_UNKNOWN'],
    [`${WGET}/blobs/${NOTHING}`, 404, 'BLOB_UNKNOWN'],
    ['/v2/homebrew/core/neovim/manifests/1', 404, 'NAME_UNKNOWN'],
    [`/v2/homebrew/core/neovim/blobs/${NOTHING}`, 404, 'NAME_UNKNOWN'],
    ['/v2/homebrew/core/neovim/tags/list', 404, 'NAME_UNKNOWN'],
    ['/v2/library/wget/manifests/1.25.0-1', 404, 'NAME_UNKNOWN'],
    [`${WGET}/blobs/1.25.0-1`, 400, 'DIGEST_INVALID'],
    [`${WGET}/blobs/sha256:${BOTTLE.toUpperCase()}`, 400, 'DIGEST_INVALID'],
    [`${WGET}/manifests/sha512:00`, 400, 'DIGEST_INVALID'],
    ['/v2/Homebrew/core/wget/manifests/1', 400, 'NAME_INVALID'],
    [`${WGET}/manifests/sha512:${'0'.repeat(128)}`, 404, 'MANIFEST_UNKNOWN'],
    [`${WGET}/blobs/sha512:${'0'.repeat(128)}`, 404, 'BLOB_UNKNOWN'],
    [`${WGET}/referrers/1.25.0-1`, 400, 'DIGEST_INVALID'],
    [`${WGET}/referrers/sha256:00`, 400, 'DIGEST_INVALID'],
    [`/v2/Homebrew/referrers/${NOTHING}`, 400, 'NAME_INVALID'],
    [`/v2/homebrew/core/neovim/referrers/${NOTHING}`, 404, 'NAME_UNKNOWN'],
    ['/v2/_catalog', 404, 'UNSUPPORTED'],
    ['/v2/_catalog?n=1', 404, 'UNSUPPORTED'],
    ['/v2/_oci/ext/discover', 404, 'UNSUPPORTED'],
    [WGET, 404, 'UNSUPPORTED'],
    [`${WGET}/`, 404, 'UNSUPPORTED'],
    [`${WGET}/tags`, 404, 'UNSUPPORTED'],
    [`${WGET}/blobs/uploads/`, 404, 'UNSUPPORTED'],
  ])('when %s is asked for, answers %i with %s', async (path, status, code) => {
    const answer = await get(path);
    expect([answer.status, jsonOf(answer).errors.map((error: { code: string }) => error.code)]).toEqual([
      status,
      [code],
    ]);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect((await get(path, 'HEAD')).status).toBe(status);
  });

  test.each([
    ['the mirror', async () => ''],
    [
      'a kept snapshot',
      async () =>
        jsonOf(await get('/at/'))
          .snapshots[0].path.toLowerCase()
          .slice(0, -1),
    ],
  ])(
    'when skopeo inspects an image of %s by its tag, it gets that platform',
    needs('skopeo'),
    async (_of, base) => {
      const image = `docker://${new URL(running.origin).host}${await base()}/homebrew/core/wget:1.25.0-1`;
      const linux = ['--override-os', 'linux', '--override-arch', 'amd64'];
      const inspected = await runProgram('skopeo', [...linux, 'inspect', '--tls-verify=false', image]);
      expect([inspected.status, inspected.stderr]).toEqual([0, '']);
      expect(JSON.parse(inspected.stdout)).toMatchObject({
        ...{ Digest: `sha256:${sha256(INDEX)}`, RepoTags: ['1.25.0-1'], Architecture: 'amd64', Os: 'linux' },
        Layers: [`sha256:${bottleOf('x86_64_linux')}`],
      });
    },
  );

  // By its tag a client takes the first image for its system, and there is one for each release of macOS.
  test.each([
    ['its tag', ['--override-os', 'linux', '--override-arch', 'amd64'], ':1.25.0-1', 'x86_64_linux'],
    ['its digest', [], `@${IMAGE.digest}`, 'arm64_sonoma'],
  ])(
    'when skopeo copies an image by %s, digests agree',
    needs('skopeo'),
    async (_by, platform, reference, tag) => {
      const { host, port } = new URL(running.origin);
      const target = join(folder, `copy-${port}-${tag}`);
      const copied = await runProgram('skopeo', [
        ...[...platform, 'copy', '--src-tls-verify=false'],
        ...[`docker://${host}/homebrew/core/wget${reference}`, `dir:${target}`],
      ]);
      expect([copied.status, copied.stderr]).toEqual([0, '']);
      const blobs = (await readdir(target)).filter((name) => /^[0-9a-f]{64}$/.test(name));
      for (const name of blobs) expect(sha256(await readFile(join(target, name)))).toBe(name);
      expect(blobs).toContain(bottleOf(tag));
      const manifest = await readFile(join(target, 'manifest.json'));
      expect(`sha256:${sha256(manifest)}`).toBe(imageOf(tag).digest);
    },
  );
});
