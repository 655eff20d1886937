import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KnownFiles } from '../../builder/directory/known-files.ts';
import { incomingDirectory } from '../../builder/directory/paths.ts';
import { download } from '../../builder/fetch/download.ts';
import { bringIn } from '../../builder/fetch/fetch.ts';
import type { Progress } from '../../builder/reporter.ts';
import { FolderStorage } from '../../builder/snapshot/folder-storage.ts';
import { Stage } from '../../builder/snapshot/stage.ts';
import { UpstreamLocation } from '../../builder/upstream/location.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';
import { startServer } from './server.ts';
import { sha256 } from './upstream.ts';

const FILE = randomBytes(300_000);
const SHA256 = sha256(FILE);

const folder = await temporaryFolder();
let mirrors = 0;

/** A mirror directory whose `incoming` holds what an earlier run left of the file. */
async function mirrorWithPart(part?: Uint8Array): Promise<string> {
  const mirror = join(folder, `mirror-${++mirrors}`);
  await mkdir(incomingDirectory(mirror), { recursive: true });
  if (part) await writeFile(join(incomingDirectory(mirror), `${SHA256}.part`), part);
  return mirror;
}

const fetchTo = (mirror: string, origin: string, expected = SHA256) =>
  download(
    UpstreamLocation.parse(origin),
    mirror,
    { url: new URL(`${origin}/jq.tar.gz`), sha256: expected },
    () => undefined,
  );

const incoming = async (mirror: string) => readdir(incomingDirectory(mirror));

async function expectWhole(mirror: string): Promise<void> {
  expect(await incoming(mirror)).toEqual([SHA256]);
  expect(FILE.equals(await readFile(join(incomingDirectory(mirror), SHA256)))).toBe(true);
}

/** Answers as a server that knows ranges. */
function sendRange(request: IncomingMessage, response: ServerResponse): void {
  const offset = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (offset >= FILE.length) {
    response.writeHead(416, { 'content-range': `bytes */${FILE.length}` }).end();
    return;
  }
  const range = { 'content-range': `bytes ${offset}-${FILE.length - 1}/${FILE.length}` };
  response.writeHead(offset > 0 ? 206 : 200, offset > 0 ? range : {});
  response.end(FILE.subarray(offset));
}

const rangesOf = (requests: IncomingMessage[]) => requests.map(({ headers }) => headers.range);

describe('bringIn', () => {
  it('when two packages share an address without a checksum, downloads it once', async () => {
    let requests = 0;
    const { origin } = await startServer((_request, response) => {
      requests += 1;
      response.end(FILE);
    });
    const directory = await mirrorWithPart();
    const stage = new Stage(
      new FolderStorage(directory, await KnownFiles.load(directory, join(folder, 'cache'))),
    );
    const shared = { url: 'latest.dmg', sha256: undefined, forced: false };
    const files = ['casks/a-latest.dmg', 'casks/b-latest.dmg'].map((path) => ({ ...shared, of: path, path }));
    const options = {
      ...{
        directory,
        upstream: UpstreamLocation.parse(origin),
        source: undefined,
        jobs: 2,
        reporter: SILENT,
      },
    };
    const { failures } = await bringIn(options, files, stage);
    expect([requests, failures.size]).toEqual([1, 0]);
    for (const { path } of files) expect(stage.files.get(path)).toMatchObject({ sha256: SHA256 });
    await expectWhole(directory);
  });
});

describe('progress of bringIn', () => {
  it('has the total of bytes once the last files are on their way, and ends with it', async () => {
    const other = randomBytes(200_000);
    const bytes = new Map([FILE, other].map((body) => [`/${sha256(body)}`, body]));
    const { origin } = await startServer((request, response) => {
      const body = bytes.get(request.url ?? '') ?? '';
      response.writeHead(200, { 'content-length': body.length });
      response.end(body);
    });
    const directory = await mirrorWithPart();
    const stage = new Stage(
      new FolderStorage(directory, await KnownFiles.load(directory, join(folder, 'cache'))),
    );
    const files = [...bytes].map(([path, body]) => ({
      ...{ of: path, path: `bottles${path}`, url: path.slice(1), sha256: sha256(body), forced: false },
    }));
    const seen: Progress[] = [];
    const reporter = { ...SILENT, progress: (progress: Progress) => void seen.push(progress) };
    const upstream = UpstreamLocation.parse(origin);
    await bringIn({ directory, upstream, source: undefined, jobs: 1, reporter }, files, stage);
    expect(seen.filter(({ done }) => done === 0).every(({ totalBytes }) => totalBytes === undefined)).toBe(
      true,
    );
    const known = seen.flatMap(({ totalBytes }) => totalBytes ?? []);
    expect(known.length).toBeGreaterThan(1);
    expect(new Set(known)).toEqual(new Set([500_000]));
    expect(seen.at(-1)).toMatchObject({ done: 2, total: 2, bytes: 500_000, totalBytes: 500_000 });
  });
});

describe('download', () => {
  it('stores the file under its SHA-256 and returns its digests', async () => {
    const { origin } = await startServer(sendRange);
    const mirror = await mirrorWithPart();
    expect(await fetchTo(mirror, origin)).toMatchObject({ sha256: SHA256, size: FILE.length });
    await expectWhole(mirror);
  });

  it('when the body breaks off, continues where it stopped', async () => {
    const { origin, requests } = await startServer((request, response, attempt) => {
      if (attempt > 1) {
        sendRange(request, response);
        return;
      }
      response.writeHead(200, { 'content-length': FILE.length });
      response.write(FILE.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
    });
    const mirror = await mirrorWithPart();
    await fetchTo(mirror, origin);
    await expectWhole(mirror);
    expect(rangesOf(requests)).toEqual([undefined, 'bytes=100000-']);
  });

  it('when what follows a break is of another file, starts over', async () => {
    const { origin, requests } = await startServer((_request, response, attempt) => {
      if (attempt === 1) {
        response.writeHead(200, { 'content-length': FILE.length });
        response.write(FILE.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
      } else if (attempt === 2) {
        const rest = randomBytes(FILE.length - 100_000);
        response
          .writeHead(206, { 'content-range': `bytes 100000-${FILE.length - 1}/${FILE.length}` })
          .end(rest);
      } else response.end(FILE);
    });
    const mirror = await mirrorWithPart();
    await fetchTo(mirror, origin);
    await expectWhole(mirror);
    expect(rangesOf(requests)).toEqual([undefined, 'bytes=100000-', undefined]);
  });

  it('when the connection breaks again and again but makes progress each time, completes the file', {
    tags: 'long',
  }, async () => {
    const long = randomBytes(9 * 1024 * 1024);
    const piece = 1_300_000;
    const { origin, requests } = await startServer((request, response) => {
      const offset = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-range': `bytes ${offset}-${long.length - 1}/${long.length}` };
      response.writeHead(offset > 0 ? 206 : 200, { 'content-length': long.length - offset, ...range });
      response.write(long.subarray(offset, offset + piece), () => setTimeout(() => response.destroy(), 20));
    });
    const mirror = await mirrorWithPart();
    const url = new URL(`${origin}/long.tar.gz`);
    await download(UpstreamLocation.parse(origin), mirror, { url, sha256: sha256(long) }, () => undefined);
    expect(requests.length).toBeGreaterThan(5);
  });

  it('when an earlier run left a part, asks for the rest alone', async () => {
    const { origin, requests } = await startServer(sendRange);
    const mirror = await mirrorWithPart(FILE.subarray(0, 200_000));
    await fetchTo(mirror, origin);
    await expectWhole(mirror);
    expect(rangesOf(requests)).toEqual(['bytes=200000-']);
  });

  it('when the server ignores Range, starts over with what it sends', async () => {
    const { origin, requests } = await startServer((_request, response) => response.end(FILE));
    const mirror = await mirrorWithPart(FILE.subarray(0, 200_000));
    await fetchTo(mirror, origin);
    await expectWhole(mirror);
    expect(requests).toHaveLength(1);
  });

  it.each(['bytes 0-299999/300000', 'bytes 1234-299999/300000', 'bytes 20000-299999/300000', 'nonsense'])(
    'when a 206 has the Content-Range %s, starts over',
    async (contentRange) => {
      const { origin, requests } = await startServer((request, response) => {
        if (request.headers.range === undefined) response.end(FILE);
        else response.writeHead(206, { 'content-range': contentRange }).end(FILE.subarray(20_000));
      });
      const mirror = await mirrorWithPart(FILE.subarray(0, 200_000));
      await fetchTo(mirror, origin);
      await expectWhole(mirror);
      expect(rangesOf(requests)).toEqual(['bytes=200000-', undefined]);
    },
  );

  it.each([
    ['whole', FILE],
    ['longer than the file', Buffer.concat([FILE, FILE])],
  ])('when the part of an earlier run is %s, still ends with the file', async (_what, part) => {
    const { origin } = await startServer(sendRange);
    const mirror = await mirrorWithPart(part);
    await fetchTo(mirror, origin);
    await expectWhole(mirror);
  });

  it('when the file is in `incoming` already, asks for nothing', async () => {
    const { origin, requests } = await startServer(sendRange);
    const mirror = await mirrorWithPart();
    await writeFile(join(incomingDirectory(mirror), SHA256), FILE);
    expect(await fetchTo(mirror, origin)).toMatchObject({ size: FILE.length });
    expect(requests).toEqual([]);
  });

  it('when what is in `incoming` is damaged, replaces it', async () => {
    const { origin } = await startServer(sendRange);
    const mirror = await mirrorWithPart();
    await writeFile(join(incomingDirectory(mirror), SHA256), 'damaged');
    await fetchTo(mirror, origin);
    await expectWhole(mirror);
  });

  it('when the bytes are not those declared, refuses them and leaves nothing', async () => {
    const { origin, requests } = await startServer((_request, response) => response.end('other bytes'));
    const mirror = await mirrorWithPart();
    await expect(fetchTo(mirror, origin)).rejects.toEqual(
      failing('mismatch', { where: `${origin}/jq.tar.gz`, found: sha256('other bytes') }),
    );
    expect(await incoming(mirror)).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  it('when the announced length is too large, downloads nothing', async () => {
    const { origin, requests } = await startServer((_request, response) => {
      response.writeHead(200, { 'content-length': '9000000000000000' }).write('x');
    });
    const mirror = await mirrorWithPart();
    await expect(fetchTo(mirror, origin)).rejects.toEqual(
      failing('too-large', { where: `${origin}/jq.tar.gz` }),
    );
    expect(await incoming(mirror)).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  it('when the part of an earlier run is damaged, drops it and starts over', async () => {
    const { origin } = await startServer(sendRange);
    const mirror = await mirrorWithPart(randomBytes(1000));
    await fetchTo(mirror, origin);
    await expectWhole(mirror);
  });
});
