import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { pruneMirror } from '../../builder/prune.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const GRACE = 7 * 24 * 60 * 60 * 1000;
const XZ = 'bottles/xz-5.8.1_1.arm64_sonoma.bottle.tar.gz';
const JQ = { ...REQUEST, packages: ['jq'], casks: [], tags: ['arm64_sonoma'], vulnerabilities: false };
const trusted = [TEST_KEY.publicKey];

describe('prune', () => {
  test('when a superseded file is in its grace period, it stays; after that it goes, and the mirror is whole', async () => {
    const directory = join(await temporaryFolder(), 'mirror');
    await makeMirror(directory, { now: NOW, request: { ...JQ, packages: ['jq', 'xz'] } });
    await makeMirror(directory, { now: NOW, request: JQ });
    const prune = (time: number, dryRun = false) =>
      pruneMirror({ directory, keep: 1, dryRun, trusted, now: new Date(time) });
    const end = NOW.getTime() + GRACE;
    expect((await prune(end - 1)).removed.paths).toEqual([]);
    expect((await prune(end, true)).removed.paths).toEqual([XZ]);
    await access(join(directory, XZ));
    expect((await prune(end)).removed.paths).toEqual([XZ]);
    expect(await readdir(join(directory, 'bottles'))).not.toContain(XZ.slice('bottles/'.length));
    const { ok, files } = await verifyDirectory(directory, { trusted, now: new Date(end), reporter: SILENT });
    expect([ok, files.expired]).toEqual([true, 1]);
    // The next snapshot is made without it.
    await makeMirror(directory, { now: new Date(end), request: JQ });
    expect((await readContents(directory))?.entries.some(({ until }) => until !== undefined)).toBe(false);
  });
});
