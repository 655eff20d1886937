import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectEdgeVerifies, expectServed } from '../../builder/bucket/edge.ts';
import { snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { parseMirrorUrl } from '../../builder/verify/mirror-url.ts';
import { blobName } from '../../format/layout.ts';
import { failing } from '../builder/failing.ts';
import { startServer } from '../builder/server.ts';
import { startContentEdge } from '../support/content-edge.ts';
import { jsonOf, send } from '../support/http.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const directory = join(folder, 'mirror');
const grown = join(folder, 'grown');
await makeMirror(directory);
await copyMirror(directory, grown);
await makeMirror(grown, { request: { ...REQUEST, packages: [...REQUEST.packages, 'wget'] } });

const sha256Of = async (path: string): Promise<string> =>
  (await readContents(directory))?.entries.find((entry) => entry.name === path)?.sha256 ?? '';

describe('publish --url', () => {
  test('when the edge is asked first, the snapshot goes live only if that verifies it', async () => {
    const other = await startTestWorker();
    const blob = blobName(await sha256Of('casks/firefox-143.0.dmg'));
    await other.publish(directory);
    await other.bucket.delete(blob);
    // What is live still names the blob, so the next snapshot is thought to need no upload of it.
    await expect(other.publish(grown, { edge: parseMirrorUrl(other.origin) })).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('casks/firefox-143.0.dmg'),
    });
    expect(await other.publish(directory)).toMatchObject({ changed: false });
    await other.close();
  });

  test('when readers had an earlier snapshot, returns once the edge serves the new one', {
    tags: 'long',
  }, async () => {
    const other = await startTestWorker();
    await other.publish(directory);
    const served = async () => jsonOf(await send(other.origin, '/snapshot/root.json')).version;
    const before = await served();
    const { version } = await other.publish(grown, { edge: parseMirrorUrl(other.origin) });
    expect(version).toBeGreaterThan(before);
    expect(await served()).toBe(version);
    await other.close();
  });

  test('when the Worker is private, it is asked with the token in its address, and readers stay where it gets none', {
    tags: ['long'],
  }, async () => {
    const other = await startTestWorker({ MIRROR_TOKEN: 's3cret+/=' });
    const refused = other.publish(directory, { edge: parseMirrorUrl(other.origin) });
    await expect(refused).rejects.toMatchObject({ code: 'upstream', found: '401' });
    expect(await other.bucket.head('current')).toBeUndefined();
    const edge = parseMirrorUrl(other.origin.replace('://', '://ci:s3cret%2B%2F%3D@'));
    expect(await other.publish(directory, { edge })).toMatchObject({ changed: true });
    await other.close();
  });

  test('when the edge speaks of another snapshot, that counts for nothing', { tags: ['long'] }, async () => {
    const other = await startTestWorker();
    const { version, signer } = snapshotIdOf(await readSignedRoot(directory));
    const others = [
      { version: version - 1, signer },
      { version, signer: signer.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) },
    ];
    for (const id of others) {
      const edge = await startContentEdge(id);
      await expect(other.publish(directory, { edge })).rejects.toMatchObject({
        code: 'mismatch',
        message: expect.stringContaining('another snapshot'),
      });
    }
    expect(await other.bucket.head('current')).toBeUndefined();
    await other.close();
  });
});

const signed = await readSignedRoot(directory);

describe('until the edge serves a new snapshot', () => {
  test.each(['expired', 'bad-signature'])('waits while it refuses the one before as %s', async (code) => {
    const { origin } = await startServer((_request, response, attempt) => {
      if (attempt > 1) return response.end(signed.root);
      return response.writeHead(503, { 'Mirror-Error': code }).end();
    });
    await expectServed(parseMirrorUrl(origin), signed, SILENT);
  });

  test.each([401, 403, 404])('does not wait for an edge that answers %d', async (status) => {
    const { origin, requests } = await startServer((_request, response) => response.writeHead(status).end());
    await expect(expectServed(parseMirrorUrl(origin), signed, SILENT)).rejects.toThrow(String(status));
    expect(requests).toHaveLength(1);
  });

  test('says why it does not, once patience is over', async () => {
    const { origin } = await startServer((_request, response) => {
      response.writeHead(503, { 'Mirror-Error': 'expired' }).end();
    });
    await expect(expectServed(parseMirrorUrl(origin), signed, SILENT, 0)).rejects.toEqual(failing('expired'));
  });
});

test('an edge whose reports go round is refused', async () => {
  const id = snapshotIdOf(await readSignedRoot(directory));
  const snapshot = { version: id.version, signed_by: id.signer };
  const cursors = ['1:a', '1:b', '1:a'];
  const { origin } = await startServer((_request, response, attempt) => {
    const [files, cursor] = [{ total: 9, checked: 1 }, cursors[(attempt - 1) % 3]];
    response.end(JSON.stringify({ ok: true, snapshot, files, failures: [], cursor }));
  });
  let calls = 0;
  const confirm = async (): Promise<void> => {
    calls += 1;
    if (calls > 5) throw new Error('it asks for ever');
  };
  const verified = expectEdgeVerifies(parseMirrorUrl(origin), id, SILENT, confirm);
  await expect(verified).rejects.toEqual(failing('bad-input'));
});
