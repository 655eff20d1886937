import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256, writeUpstream } from '../builder/upstream.ts';
import {
  columnCases,
  jsonCases,
  meetHostile,
  nameCases,
  type ValueCase,
} from '../support/faults/hostile-cases.ts';
import { HOSTILE_CONTENTS } from '../support/faults/hostile-contents.ts';
import { createFromHostile, placeIn } from '../support/faults/hostile-run.ts';
import { HOSTILE_ANSWERS, type HostileAnswer, startHostileServer } from '../support/faults/hostile-server.ts';
import { SEED, settle, Tally } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const NAMES = 400;
/** Five times a minute, and the pauses between. */
const PATIENCE = 400;
const BOTTLE = 'the bottle of jq'.repeat(20_000);
const folder = await temporaryFolder();
let places = 0;
const newPlace = () => placeIn(join(folder, String(++places)));

test('files', async () => {
  const tally = new Tally();
  for (const [name, { write, packages = ['jq'], harmless }] of Object.entries(HOSTILE_CONTENTS)) {
    const place = newPlace();
    await mkdir(place.upstream, { recursive: true });
    await write(place.upstream);
    tally.add(name, await createFromHostile(place, { packages, mirror: harmless ? 'may' : 'must not' }));
  }
  settle({ family: 'hostile upstream: files, bombs', ...tally.result });
});

test('answers', async () => {
  const tally = new Tally();
  const attacks = Object.entries(HOSTILE_ANSWERS).flatMap(([name, attack]) => [
    ...(attack.of === 'packages' ? [] : documents.map((path) => ({ name, path, attack }))),
    ...(attack.of === 'documents' ? [] : [{ name, path: `/bottles/${sha256(BOTTLE)}`, attack }]),
  ]);
  const meet = async ({ name, path, attack }: (typeof attacks)[number]): Promise<void> =>
    tally.add(`${name}, ${path}`, await createUnder(attack, path));
  // Those that take minutes wait side by side.
  const patient = Promise.all(attacks.filter(({ attack }) => attack.patient).map(meet));
  for (const attack of attacks.filter(({ attack }) => !attack.patient)) await meet(attack);
  await patient;
  settle({ family: 'hostile upstream: answers', ...tally.result });
});

const documents = ['/manifest.json', '/formulas/index.db.zst', '/formulas/data/j/jq.json.zst'];

async function createUnder({ answer, mirror, patient }: HostileAnswer, path: string) {
  const place = newPlace();
  await mkdir(place.upstream, { recursive: true });
  await writeUpstream(place.upstream, { formulas: [{ name: 'jq', bottle: BOTTLE }] });
  const server = await startHostileServer(place.upstream, path, answer);
  const options = {
    from: server.origin,
    mirror: mirror ?? 'must not',
    ...(patient ? { limit: PATIENCE } : {}),
  } as const;
  return createFromHostile(place, options).finally(server.close);
}

test.each([
  ['JSON of every kind in every field', jsonCases],
  ['every kind in every column', columnCases],
  [`${NAMES} names and versions`, () => Promise.resolve(nameCases(SEED, NAMES))],
] satisfies [string, (scratch: string) => Promise<ValueCase[]>][])('%s', async (name, cases) => {
  const scratch = join(newPlace().folder, 'scratch');
  await mkdir(scratch, { recursive: true });
  const lost: string[] = [];
  const all = await cases(scratch);
  for (const one of all) {
    for (const complaint of await meetHostile(newPlace().folder, one)) lost.push(`${one.name}: ${complaint}`);
  }
  expect(all.length).toBeGreaterThan(100);
  settle({ family: `hostile upstream: ${name}`, tried: all.length, lost });
});
