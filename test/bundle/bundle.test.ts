import { copyFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleMirror } from '../../builder/bundle/bundle.ts';
import { sha256 } from '../builder/upstream.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror } from '../support/mirror.ts';
import { MAIN, needs, runProgram } from '../support/programs.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BundleWorld, FORMULAS, filesOf, LONG_NAME } from './world.ts';

const world = new BundleWorld(await temporaryFolder());
const { at, mirror } = world;
const CHANGED = FORMULAS.map((formula) =>
  formula.name === 'beta' ? { ...formula, version: '2.0', bottle: 'beta, changed' } : formula,
);
const [first, second, receipt] = [at('first.tar'), at('second.tar'), at('receipt.tar')];

const listOf = async (archive: string): Promise<string[]> =>
  (await runProgram('tar', ['-tf', archive])).stdout.trimEnd().split('\n');

/** Two versions of a mirror, a whole bundle of the first, and what changed since, by the receipt from inside. */
beforeAll(async () => {
  expect(await world.make(FORMULAS)).toMatchObject({ status: 0 });
  expect(await world.outside('bundle', mirror, '-o', first)).toMatchObject({ status: 0 });
  const applied = await world.inside('unbundle', first, at('inside'), '--receipt', receipt);
  expect(applied).toMatchObject({ status: 0 });
  expect(await filesOf(at('inside'))).toEqual(await filesOf(mirror));
  expect(await world.make(CHANGED)).toMatchObject({ status: 0 });
  const changed = await world.outside('bundle', mirror, '-o', second, '--since', receipt);
  expect(changed).toMatchObject({ status: 0 });
});

describe('a bundle', needs('bash', 'tar'), () => {
  test('is what tar lists and unpacks: the files of the mirror, beside bundle.json', async () => {
    const { stderr, status } = await runProgram('tar', ['-xf', first, '-C', await emptyFolder('unpacked')]);
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const { 'bundle.json': about, ...files } = await filesOf(at('unpacked'));
    expect(about).toBe(sha256('{"part":1,"parts":1,"since":null}\n'));
    expect(Object.keys(files).find((path) => path.includes(LONG_NAME))).toBeDefined();
    expect(await world.inside('verify', at('unpacked'))).toMatchObject({ status: 0 });
  });

  test('of the same mirror and base has the same bytes', async () => {
    const again = at('again.tar');
    await world.outside('bundle', mirror, '-o', again, '--since', receipt);
    expect(await readFile(again)).toEqual(await readFile(second));
    await world.outside('bundle', mirror, '-o', again, '--since', first);
    expect(await readFile(again)).toEqual(await readFile(second));
  });

  test('since a receipt has what changed, and no other package', async () => {
    const names = await listOf(second);
    expect(names.filter((name) => /^bottles\/|\/data\//.test(name))).toEqual([
      'bottles/beta-2.0.all.bottle.tar.gz',
      'index/formulas/data/b/beta.json.zst',
    ]);
    await world.inside('unbundle', first, at('second-inside'));
    const { status, stdout } = await world.inside('unbundle', second, at('second-inside'));
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining(', after ') });
    expect(await filesOf(at('second-inside'))).toEqual(await filesOf(mirror));
  });

  test('in parts is applied in any order, and from standard input', async () => {
    const [parts, list] = await inParts('parts.tar', 180_000);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect((await stat(part)).size).toBeLessThanOrEqual(180_000);
    expect(new Set(list).size).toBe(list.length);
    const any = [...parts.slice(1), parts[0] ?? ''];
    expect(await world.inside('unbundle', ...any, at('any-order'))).toMatchObject({ status: 0 });
    expect(await filesOf(at('any-order'))).toEqual(await filesOf(mirror));
    const program = await runProgram(
      'bash',
      ['-c', 'cat "$@" | "$NODE" "$MAIN" unbundle - "$DIR"', 'bash', ...any],
      { ...(await world.environment('piped')), NODE: process.execPath, MAIN, DIR: at('piped-in') },
    );
    expect(program).toMatchObject({ status: 0 });
    expect(await filesOf(at('piped-in'))).toEqual(await filesOf(mirror));
  });

  test('whose parts are too small for a file or for the list is not written', async () => {
    for (const size of ['1K', '20K']) {
      const { status, stderr } = await world.outside(
        'bundle',
        mirror,
        '-o',
        at('small.tar'),
        '--max-size',
        size,
      );
      expect({ status, stderr }).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/choose a --max-size of at least \d+ bytes/),
      });
    }
    expect((await readdir(at())).filter((name) => name.startsWith('small'))).toEqual([]);
  });

  test('of a mirror with damage is not written, and an earlier file stays', async () => {
    const [directory, output] = [at('damaged'), at('damaged.tar')];
    await world.inside('unbundle', first, directory);
    await writeFile(output, 'earlier');
    const bottle = join(directory, 'bottles/alpha-1.0.all.bottle.tar.gz');
    const bytes = await readFile(bottle);
    for (const damage of [bytes.subarray(1), Buffer.from(bytes).fill('x', 5, 6)]) {
      await writeFile(bottle, damage);
      const { status, stderr } = await world.outside('bundle', directory, '-o', output);
      const message = expect.stringContaining('alpha-1.0.all.bottle.tar.gz is not as it was signed');
      expect({ status, stderr }).toMatchObject({ status: 1, stderr: message });
    }
    expect(String(await readFile(output))).toBe('earlier');
    expect((await readdir(at())).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('of a mirror that changes at the same time is not written, and the error says why', async () => {
    const directory = at('changing');
    await copyMirror(mirror, directory);
    const progress = (): void => {
      copyFileSync(at('inside/snapshot/root.json.sig'), join(directory, 'snapshot/root.json.sig'));
      writeFileSync(join(directory, 'manifest.json'), 'of another version');
    };
    const made = bundleMirror({
      ...{ directory, output: at('changing.tar'), trusted: [TEST_KEY.publicKey], now: new Date() },
      reporter: { ...SILENT, progress },
    });
    await expect(made).rejects.toThrow(/changed while it was bundled: run bundle again/);
  });

  test('cannot be written into the mirror itself, or to what is not a file in a folder', async () => {
    await symlink(mirror, at('link'));
    for (const output of [join(mirror, 'bundle.tar'), at('link/bundle.tar'), at(), `${at('new')}/`, '-']) {
      expect(await world.outside('bundle', mirror, '-o', output)).toMatchObject({ status: 2 });
    }
    const ended = await world.outside('bundle', mirror, '-o', at('not-mounted/bundle.tar'));
    expect(ended).toMatchObject({ status: 1, stderr: expect.stringContaining('There is no folder') });
  });
});

describe('--since', () => {
  test('with a version that the folder does not keep says what to name instead', async () => {
    const { status, stderr } = await world.outside('bundle', mirror, '-o', at('x.tar'), '--since', '17');
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('receipt') });
  });

  test('with a file of another mirror, of a later version, or of no bundle is refused', async () => {
    await world.make(FORMULAS, at('other'));
    await world.outside('bundle', at('other'), '-o', at('other.tar'));
    await writeFile(at('text'), 'not a bundle');
    const cases = {
      [at('other.tar')]: [mirror, 1],
      [second]: [at('inside'), 3],
      [at('text')]: [mirror, 1],
    } as const;
    for (const [since, [directory, expected]] of Object.entries(cases)) {
      const { status, stderr } = await world.outside(
        'bundle',
        directory,
        '-o',
        at('x.tar'),
        '--since',
        since,
      );
      expect({ status, stderr }).toMatchObject({ status: expected, stderr: expect.stringContaining(since) });
    }
  });
});

describe('a receipt', needs('tar'), () => {
  test('never replaces a part or a file of the mirror, and is written where a file can be', async () => {
    const part = at('link-to-part.tar');
    await symlink(first, part);
    for (const place of [first, part, at('inside/snapshot/root.json'), at()]) {
      const before = await filesOf(at('inside'));
      const ended = await world.inside('unbundle', first, at('inside'), '--receipt', place, '--allow-older');
      expect(ended).toMatchObject({ status: 2, stderr: expect.stringContaining(place) });
      expect(await filesOf(at('inside'))).toEqual(before);
    }
  });

  test('that cannot be written does not hide that the mirror has changed', async () => {
    await mkdir(at('full.tar.tmp'));
    const ended = await world.inside('unbundle', first, at('applied'), '--receipt', at('full.tar'));
    const message = /The mirror has version \d+ now, but its receipt was not written/;
    expect(ended).toMatchObject({ status: 1, stderr: expect.stringMatching(message) });
    expect(await filesOf(at('applied'))).toEqual(await filesOf(at('inside')));
  });

  test('is a bundle without files: applied to what it is of, it changes nothing', async () => {
    const before = await filesOf(at('inside'));
    const { status, stdout } = await world.inside('unbundle', receipt, at('inside'));
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') });
    expect(await filesOf(at('inside'))).toEqual(before);
    expect((await listOf(receipt)).filter((name) => !name.startsWith('snapshot/'))).toEqual(['bundle.json']);
  });
});

async function emptyFolder(name: string): Promise<string> {
  await mkdir(at(name));
  return at(name);
}

/** Bundles the mirror in parts of this size; returns their paths, and the names of all files in them. */
async function inParts(name: string, size: number): Promise<[string[], string[]]> {
  const { stdout } = await world.outside(
    'bundle',
    mirror,
    '-o',
    at(name),
    '--max-size',
    String(size),
    '--json',
  );
  const parts: string[] = JSON.parse(stdout).parts.map(({ path }: { path: string }) => path);
  const lists = await Promise.all(parts.map(listOf));
  return [parts, lists.flat().filter((file) => !/^(?:bundle\.json$|snapshot\/)/.test(file))];
}
