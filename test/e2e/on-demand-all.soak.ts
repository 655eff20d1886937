import { createHash } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stoutConfig } from '../../format/client-config.ts';
import { formulaName, writeBenchUpstream } from '../../scripts/bench/upstream.ts';
import { StoutClient } from '../clients/stout.ts';
import { SEED } from '../support/faults/results.ts';
import { FETCHING_RUNTIMES } from '../support/fetching-runtimes.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { publishedFrom } from '../support/published-mirror.ts';
import { Random } from '../support/random.ts';
import { ASKED_HOST, startSource } from '../support/source-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SIZE = { formulas: 8_310, casks: 7_614 };
const TAGS = ['arm64_sonoma', 'sonoma', 'arm64_linux', 'x86_64_linux'];
const sha256Of = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Answers as ghcr.io and the vendors do: the bytes of a file of the made-up upstream are the text that its SHA-256 is made of. */
function answer({ url = '/', headers }: IncomingMessage, response: ServerResponse): void {
  const [, name = '', hex = ''] = /^\/v2\/homebrew\/core\/(.+)\/blobs\/sha256:(.+)$/.exec(url) ?? [];
  const texts = TAGS.map((tag) => `${name} 1.0.0 ${tag}`);
  const [token = ''] = `${headers[ASKED_HOST]}`.split('.');
  const text = hex === '' ? token : texts.find((candidate) => sha256Of(candidate) === hex);
  if (text === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-length': text.length }).end(text);
}

test('all of an upstream as large as Homebrew comes on demand, and stout installs from an empty server', async () => {
  const folder = await temporaryFolder();
  const [upstream, directory] = [join(folder, 'upstream'), join(folder, 'mirror')];
  await writeBenchUpstream(upstream, SIZE);
  const request = { ...REQUEST, packages: [], casks: [], all: true, on_demand: true, vulnerabilities: false };
  const made = await makeMirror(directory, { upstream, request: { ...request, tags: TAGS } });
  expect(made).toMatchObject({ ...SIZE, downloaded: { files: 0 }, failed: [], skipped: [] });
  const mirror = await publishedFrom(directory);
  const source = await startSource();
  source.answer = answer;
  onTestFinished(() => source.close());
  const random = new Random(SEED);
  for (const [, start] of FETCHING_RUNTIMES) {
    const server = await start(mirror, source.origin);
    onTestFinished(() => server.close());
    const config = stoutConfig({
      ...{ origin: server.origin, publicKeys: [TEST_KEY.publicKey], validFor: THIRTY_DAYS },
    });
    const client = new StoutClient({
      ...{ config, platform: 'x86_64_linux', folder: await mkdtemp(join(folder, 'client-')) },
    });
    await client.update();
    const installed = await client.install(formulaName(random.below(SIZE.formulas)));
    const cask = await client.installCask(
      `cask-${String(random.below(SIZE.casks)).padStart(5, '0')}`,
      'intel',
    );
    const digests = [...installed, cask].map(({ file }) => sha256Of(file));
    expect((await server.kept()).toSorted()).toEqual(digests.toSorted());
  }
});
