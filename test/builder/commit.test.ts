import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { mirrorInfo } from '../../builder/info.ts';
import type { Progress } from '../../builder/reporter.ts';
import { commit, keepIncoming, rollForward } from '../../builder/snapshot/journal.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { ROOT } from '../../format/layout.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { MAIN, stoutMirror } from '../support/programs.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';
import { sha256 } from './upstream.ts';

const folder = await temporaryFolder();
let mirrors = 0;

/** An empty directory whose `incoming` has these contents under their SHA-256. */
async function directoryWith(...contents: string[]): Promise<string> {
  const directory = join(folder, `directory-${++mirrors}`);
  const incoming = join(directory, '.stout-mirror', 'incoming');
  await mkdir(incoming, { recursive: true });
  for (const content of contents) await writeFile(join(incoming, sha256(content)), content);
  return directory;
}

const write = (path: string, content: string) => ({ path, sha256: sha256(content) });

describe('commit', () => {
  it('when all goes well, has every file in place and no leftovers', async () => {
    const directory = await directoryWith('new', 'root', 'shared');
    await writeFile(join(directory, 'old'), 'old');
    await writeFile(join(directory, 'gone'), 'gone');
    await commit(directory, {
      writes: [write(ROOT, 'root'), write('a/b', 'shared'), write('c', 'shared'), write('old', 'new')],
      removes: ['gone', 'never-there'],
    });
    const found = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files.sort()).toEqual(['a/b', 'c', 'old', ROOT].map((path) => join(directory, path)));
    expect(await readFile(join(directory, 'old'), 'utf8')).toBe('new');
    expect(await readFile(join(directory, 'a/b'), 'utf8')).toBe('shared');
  });

  it('when it is interrupted, puts the root last: readers are told, and the next writer finishes', async () => {
    const directory = await directoryWith('first', 'root');
    // The second file is not there, as if the power had gone at that moment.
    const writes = [write(ROOT, 'root'), write('first', 'first'), write('second', 'second')];
    await expect(commit(directory, { writes, removes: [] })).rejects.toThrow();
    expect(await readFile(join(directory, 'first'), 'utf8')).toBe('first');
    await expect(readFile(join(directory, ROOT))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(mirrorInfo(directory)).rejects.toEqual(failing('refused'));
    await writeFile(join(directory, '.stout-mirror/incoming', sha256('second')), 'second');
    await rollForward(directory);
    await rollForward(directory);
    expect(await readFile(join(directory, 'second'), 'utf8')).toBe('second');
    expect(await readFile(join(directory, ROOT), 'utf8')).toBe('root');
    expect(await readdir(join(directory, '.stout-mirror'))).toEqual([]);
  });

  it.each(['../evil', '/etc/evil', '.stout-mirror/lock', 'a/../../evil', ''])(
    'when a journal names %j, refuses it',
    async (path) => {
      const directory = await directoryWith('evil');
      const journal = join(directory, '.stout-mirror/journal.json');
      for (const damage of [
        { writes: [write(path, 'evil')], removes: [] },
        { writes: [], removes: [path] },
      ]) {
        await writeFile(journal, JSON.stringify(damage));
        await expect(rollForward(directory)).rejects.toEqual(failing('bad-input'));
      }
      expect(await readdir(directory)).toEqual(['.stout-mirror']);
    },
  );

  it('when leftovers of other work lie in `incoming`, removes those alone', async () => {
    const directory = await directoryWith('wanted', 'unwanted');
    const incoming = join(directory, '.stout-mirror/incoming');
    await writeFile(join(incoming, `${sha256('part')}.part`), 'pa');
    await writeFile(join(incoming, 'index-formulas.db.new'), 'half');
    await keepIncoming(directory, new Set([sha256('wanted'), sha256('part')]));
    expect((await readdir(incoming)).sort()).toEqual([sha256('wanted'), `${sha256('part')}.part`].sort());
  });
});

describe('createMirror: killed', () => {
  const NOW = new Date('2026-11-01T12:00:00Z');
  const JQ = { ...REQUEST, packages: ['jq'], casks: [], tags: ['arm64_sonoma'], vulnerabilities: false };
  const WGET = { ...JQ, packages: ['jq', 'wget'], tags: ['arm64_sonoma', 'sonoma'] };
  const WGET_BOTTLE = 'bottles/gettext-0.26.arm64_sonoma.bottle.tar.gz';
  const original = join(folder, 'original');
  const updated = join(folder, 'updated');

  beforeAll(async () => {
    await makeMirror(original, { request: JQ, now: NOW });
  });

  const verified = (directory: string) =>
    verifyDirectory(directory, { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT });

  /** Runs the real program on a mirror and kills it at the moment that `until` resolves. */
  async function createAndKill(directory: string, until: () => Promise<unknown>): Promise<void> {
    const platforms = ['--platforms', 'arm64_sonoma,sonoma'];
    const child = spawn(
      process.execPath,
      [MAIN, 'create', directory, 'wget', ...platforms, '--upstream', inject('upstream')],
      { stdio: 'ignore', env: { ...process.env, XDG_CONFIG_HOME: join(folder, 'config'), TMPDIR: folder } },
    );
    const exited = once(child, 'exit');
    await Promise.race([until(), exited]);
    child.kill('SIGKILL');
    await exited;
  }

  const appears = async (path: string): Promise<void> => {
    while (!existsSync(path)) await new Promise(setImmediate);
  };

  it.each([
    ['while it starts', () => sleep(250)],
    [
      'when its files begin to come',
      (directory: string) => appears(join(directory, '.stout-mirror/incoming')),
    ],
    ['when it commits', (directory: string) => appears(join(directory, '.stout-mirror/journal.json'))],
    ['when the first file is in place', (directory: string) => appears(join(directory, WGET_BOTTLE))],
  ])('when the program is killed %s, the next run finishes the work', async (when, until) => {
    const directory = join(folder, when.replaceAll(' ', '-'));
    await copyMirror(original, directory);
    await createAndKill(directory, () => until(directory));
    await makeMirror(directory, { request: WGET });
    const { ok, unlisted } = await verified(directory);
    expect({ ok, unlisted }).toEqual({ ok: true, unlisted: [] });
    expect(await readdir(directory)).not.toContain('.stout-mirror');
  });

  it('when it is stopped at any step of the commit, the next writer makes it the new mirror', async () => {
    await copyMirror(original, updated);
    // At the last moment before the commit, so that nothing notices before that: no folder may be made where bottles go.
    const progress = ({ label, done, total }: Progress): void => {
      if (label !== 'Writing the index' || done < total) return;
      renameSync(join(updated, 'bottles'), join(folder, 'bottles'));
      writeFileSync(join(updated, 'bottles'), 'in the way');
    };
    const making = makeMirror(updated, { request: WGET, reporter: { ...SILENT, progress } });
    await expect(making).rejects.toEqual(failing('refused', { where: join(updated, 'bottles') }));
    await expect(verified(updated)).rejects.toEqual(failing('refused'));
    await rm(join(updated, 'bottles'));
    await rename(join(folder, 'bottles'), join(updated, 'bottles'));
    // Whatever that writer is about, the first thing it does is to finish.
    const update = ['update', updated, 'nonesuch', '--upstream', inject('upstream')];
    const { status, stderr } = await stoutMirror(update, {
      MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining('no formula named "nonesuch"')]);
    const { ok, unlisted } = await verified(updated);
    expect({ ok, unlisted }).toEqual({ ok: true, unlisted: [] });
    expect((await mirrorInfo(updated)).packages.map(({ name }) => name)).toContain('wget');
  });
});
