import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DatabaseIndex } from '../../builder/database/kind-index.ts';
import { DatabaseReader } from '../../builder/database/reader.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { why } from '../../builder/why.ts';
import { hasCode } from '../../format/errors.ts';
import { formula as FORMULA } from '../../format/packages/formula.ts';
import type { Kind } from '../../format/packages/kinds.ts';
import { parsePolicyDocument } from '../../format/policy.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { sharedFolder, temporaryFolder } from '../support/temporary.ts';
import { type TestFormula, writeUpstream } from './upstream.ts';

const DAY = 86_400;
const FIRST = Date.parse('2026-11-01T12:00:00Z') / 1000;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const folder = await temporaryFolder();
let places = 0;

/** A package as it is on some day: it may need any other, circles included. */
const formula = (name: string): fc.Arbitrary<TestFormula> =>
  fc.record({
    name: fc.constant(name),
    version: fc.constantFrom('1.0', '2.0', '3.0'),
    license: fc.constantFrom('MIT', 'MIT', 'Zlib'),
    runtime: fc.subarray(
      NAMES.filter((other) => other !== name),
      { maxLength: 2 },
    ),
  });
/** The upstream day by day, of which packages go and come. */
const days = fc.array(
  fc.tuple(...NAMES.map(formula)).chain((all) => fc.subarray(all, { minLength: 5 })),
  { minLength: 3, maxLength: 4 },
);
const policies = fc.record({
  deny: fc.subarray(NAMES, { maxLength: 1 }),
  hold: fc.subarray(NAMES, { maxLength: 2 }),
});

interface State {
  version: string;
  needs: string[];
}

async function stateOf(directory: string): Promise<Map<string, State>> {
  const { packages = {} } = (await readContents(directory))?.manifest.formulas ?? {};
  const reader = DatabaseReader.open(join(directory, 'index/formulas.db'), 'index');
  const index = new DatabaseIndex(reader, FORMULA as Kind);
  const state = Object.entries(packages).map(
    ([name, { version }]) => [name, { version, needs: index.dependencies(name, ['runtime']) }] as const,
  );
  reader.close();
  return new Map(state);
}

const RUNS: [runs: number, tags: { tags?: ['long'] }][] = [
  [2, {}],
  [60, { tags: ['long'] }],
];

for (const [numRuns, tags] of RUNS)
  it(
    `for ${numRuns} random upstreams and rules, day by day, the index is closed, and all that is in or out has a reason`,
    tags,
    async () => {
      await fc.assert(
        fc.asyncProperty(days, policies, async (upstreams, { deny, hold }) => {
          const directory = join(folder, `mirror-${++places}`);
          let before = new Map<string, State>();
          for (const [day, formulas] of upstreams.entries()) {
            const upstream = join(folder, `upstream-${++places}`);
            await writeUpstream(upstream, { formulas });
            const policy = { min_age: 1.5 * DAY, licenses: { allow: ['MIT'] }, deny, hold };
            const request = {
              ...REQUEST,
              packages: formulas.map(({ name }) => name),
              casks: [],
              vulnerabilities: false,
              tags: ['x86_64_linux'],
              policy,
            };
            const made = await makeMirror(directory, {
              upstream,
              request,
              now: new Date((FIRST + day * DAY) * 1000),
            }).catch((error: unknown) => {
              if (hasCode(error, 'refused')) return undefined;
              throw error;
            });
            if (!made) return;
            const state = await stateOf(directory);
            const { decisions } = parsePolicyDocument(await readFile(join(directory, 'policy.json')));
            for (const { name, version, license } of formulas) {
              const key = `${name} ${version}`;
              const has = state.get(name);
              const was = before.get(name);
              const own = decisions.find((item) => item.name === name);
              if (has?.version === version && was && was.version !== version)
                expect(hold).not.toContain(name);
              if (has?.version === version)
                expect([deny.includes(name), license === 'MIT']).toEqual([false, true]);
              // Whatever is not as the upstream has it has a reason.
              if (has?.version !== version) expect(own?.outcome, key).toBe(has ? 'held' : 'denied');
            }
            const [odd] = formulas.filter(({ name, version }) => state.get(name)?.version !== version);
            if (odd) {
              const { name } = odd;
              const trusted = [TEST_KEY.publicKey];
              const answer = await why({ directory, name, trusted, cache: await sharedFolder() });
              const asked = answer.packages.find((item) => item.name === name);
              expect(asked?.decisions[0], name).toEqual(decisions.find((item) => item.name === name));
              expect(answer.in_mirror).toBe(state.has(name));
            }
            for (const { name, version } of formulas) {
              const was = before.get(name);
              // A version that the upstream has only today is one day too young at least.
              const isNew = !upstreams
                .slice(0, day)
                .some((all) => all.some((one) => one.name === name && one.version === version));
              if (was && was.version !== version && isNew) expect(state.get(name)?.version).not.toBe(version);
            }
            for (const [name, { needs }] of state) {
              expect(deny).not.toContain(name);
              for (const other of needs) {
                const isKnown = formulas.some((item) => item.name === other) || before.has(other);
                if (isKnown) expect([...state.keys()], `${name} needs ${other}`).toContain(other);
              }
            }
            before = state;
            await rm(upstream, { recursive: true });
          }
        }),
        { numRuns },
      );
    },
  );
