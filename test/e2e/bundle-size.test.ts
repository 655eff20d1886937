import { cp, stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { BundleWorld, FORMULAS, filesOf } from '../bundle/world.ts';
import { padMirror } from '../support/padded-mirror.ts';
import { needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const OBJECTS = 10_000;
const world = new BundleWorld(await temporaryFolder());
const { at, mirror } = world;
const programs = needs('rsync', 'rclone');

/** Makes the next version of a mirror of so many bottles, of which one has the bytes of `bottle`. */
async function make(version: string, bottle: string): Promise<void> {
  const others = FORMULAS.filter(({ name }) => name !== 'beta');
  expect(await world.make([...others, { name: 'beta', version, bottle }])).toMatchObject({ status: 0 });
  await padMirror(mirror, OBJECTS);
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const began = performance.now();
  return [await work(), Math.round(performance.now() - began)];
}

test(`a bundle of one changed package of ${OBJECTS} is hardly longer than what changed and the list of files`, {
  ...programs,
  tags: [...programs.tags, 'long'],
}, async () => {
  await make('1.0', 'beta\n'.repeat(1_000_000));
  await world.outside('bundle', mirror, '-o', at('1.tar'));
  expect(await world.inside('unbundle', at('1.tar'), at('inside'))).toMatchObject({ status: 0 });
  for (const copy of ['rsync', 'rclone'])
    await cp(at('inside'), at(copy), { recursive: true, preserveTimestamps: true });
  const before = await filesOf(mirror);
  await make('2.0', 'beta, changed\n'.repeat(500_000));

  const [made, bundling] = await timed(() =>
    world.outside('bundle', mirror, '-o', at('2.tar'), '--since', at('1.tar')),
  );
  expect(made).toMatchObject({ status: 0 });
  const { size } = await stat(at('2.tar'));
  const [applied, applying] = await timed(() => world.inside('unbundle', at('2.tar'), at('inside')));
  expect(applied).toMatchObject({ status: 0 });
  const after = Object.entries(await filesOf(at('inside')));
  const needed = after.filter(([path, sha256]) => before[path] !== sha256 || path.startsWith('snapshot/'));
  const lengths = await Promise.all(needed.map(async ([path]) => (await stat(at('inside', path))).size));
  const changed = lengths.reduce((sum, length) => sum + length, 0);
  expect(size).toBeLessThan(changed * 1.1);

  const [rsync, syncing] = await timed(() =>
    runProgram('rsync', ['-a', '--delete', '--stats', '--no-whole-file', `${mirror}/`, at('rsync/')]),
  );
  const [rclone, cloning] = await timed(() =>
    runProgram('rclone', ['sync', '-v', '--checksum', mirror, at('rclone')]),
  );
  const sent = /Total bytes sent: ([\d,]+)/.exec(rsync.stdout)?.[1];
  const copied = /Transferred:\s+([^,\n]+B),/.exec(rclone.stderr)?.[1];
  process.stdout.write(
    `Changed: ${changed} bytes. bundle: ${size} bytes, ${bundling} ms to write, ${applying} ms to apply; ` +
      `rsync: ${sent} bytes sent, ${syncing} ms; rclone --checksum: ${copied}, ${cloning} ms.\n`,
  );
});
