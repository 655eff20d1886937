import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { parseMirrorUrl } from '../../builder/verify/mirror-url.ts';
import { blobName } from '../../format/layout.ts';
import { startContentEdge } from '../support/content-edge.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
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
    expect(await other.publish(grown, { edge: parseMirrorUrl(other.origin), repair: true })).toMatchObject({
      changed: true,
    });
    await other.close();
  });

  test('when the Worker is private, it is asked with the token in its address, and readers stay where it gets none', async () => {
    const other = await startTestWorker({ MIRROR_TOKEN: 's3cret+/=' });
    const refused = other.publish(directory, { edge: parseMirrorUrl(other.origin) });
    await expect(refused).rejects.toMatchObject({ code: 'upstream', found: '401' });
    expect(await other.bucket.head('current')).toBeUndefined();
    const edge = parseMirrorUrl(other.origin.replace('://', '://ci:s3cret%2B%2F%3D@'));
    expect(await other.publish(directory, { edge })).toMatchObject({ changed: true });
    await other.close();
  });

  test('when the edge speaks of another snapshot, that counts for nothing', async () => {
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
