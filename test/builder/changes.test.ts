import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { signMirror } from '../../builder/sign.ts';
import { type Changes, parseChanges } from '../../format/changes.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { type MirrorChanges, makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type TestFormula, writeUpstream } from './upstream.ts';

const folder = await temporaryFolder();
const environment = {
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
  XDG_CACHE_HOME: join(folder, 'cache'),
};
const MONDAY = 1_795_000_000;
const request = {
  ...REQUEST,
  ...{ packages: ['app', 'tool'], casks: [], tags: ['sonoma'], vulnerabilities: false },
};
let place = '';
let made = 0;

const changesIn = async (directory: string): Promise<Changes['snapshots']> =>
  parseChanges(await readFile(join(directory, 'changes.json'))).snapshots;

/** Makes the mirror of what its upstream has, so many seconds after Monday. */
async function make(seconds: number, formulas: TestFormula[], changes: MirrorChanges = {}): Promise<void> {
  const upstream = join(place, 'upstream');
  await rm(upstream, { recursive: true, force: true });
  await writeUpstream(upstream, { formulas });
  await makeMirror(join(place, 'mirror'), {
    ...{ upstream, request, now: new Date((MONDAY + seconds) * 1000), trusted: [TEST_KEY.publicKey] },
    ...changes,
  });
}

const APP: TestFormula = { name: 'app', runtime: ['lib'] };
const LIB: TestFormula = { name: 'lib', bottle: 'lib' };
const TOOL: TestFormula = { name: 'tool' };

beforeEach(() => {
  place = join(folder, String(++made));
});

describe('what a mirror remembers', () => {
  test('is each snapshot that changed packages, the newest first', async () => {
    const directory = join(place, 'mirror');
    await make(0, [APP, LIB, TOOL]);
    await make(60, [{ ...APP, version: '2.0', bottle: 'app 2' }, { ...LIB, bottle: 'rebuilt' }, TOOL]);
    await make(120, [{ ...APP, version: '2.0', bottle: 'app 2' }, { ...LIB, bottle: 'rebuilt' }, TOOL]);
    await signMirror({
      ...{ directory, key: TEST_KEY, trusted: [], now: new Date((MONDAY + 180) * 1000) },
      ...{ cache: join(folder, 'cache'), reporter: SILENT },
    });
    const ended = await commandLine(['withdraw', directory, 'tool'], environment);
    expect(ended.status, ended.stderr).toBe(0);
    const [withdrawn, ...rest] = await changesIn(directory);
    expect(withdrawn).toMatchObject({
      counts: { added: 0, updated: 0, removed: 1, held: 0 },
      packages: [{ kind: 'formula', name: 'tool', from: '1.0' }],
    });
    const root = JSON.parse(await readFile(join(directory, 'snapshot/root.json'), 'utf8'));
    expect([withdrawn?.version, (withdrawn?.created_at ?? 0) * 1000]).toEqual([
      ...[root.version, Date.parse(root.created_at)],
    ]);
    expect(rest).toEqual([
      {
        ...{ version: MONDAY + 60, created_at: MONDAY + 60 },
        counts: { added: 0, updated: 2, removed: 0, held: 0 },
        packages: [
          { kind: 'formula', name: 'app', from: '1.0', to: '2.0' },
          { kind: 'formula', name: 'lib', from: '1.0', to: '1.0' },
        ],
      },
      {
        ...{ version: MONDAY, created_at: MONDAY },
        counts: { added: 3, updated: 0, removed: 0, held: 0 },
        packages: ['app', 'lib', 'tool'].map((name) => ({ kind: 'formula', name, to: '1.0' })),
      },
    ]);
  });

  test('has what a rule holds back, once', async () => {
    await make(0, [APP, LIB, TOOL]);
    const newer = [APP, LIB, { ...TOOL, version: '2.0', bottle: 'tool 2' }];
    const held = { request: { ...request, policy: { hold: ['tool'] } } };
    await make(60, newer, held);
    await make(120, newer, held);
    await make(180, [{ ...TOOL, version: '2.0', bottle: 'tool 2' }, APP, { ...LIB, version: '3' }], held);
    expect((await changesIn(join(place, 'mirror'))).map(({ packages }) => packages)).toEqual([
      [{ kind: 'formula', name: 'lib', from: '1.0', to: '3' }],
      [{ kind: 'formula', name: 'tool', held: '2.0' }],
      expect.anything(),
    ]);
  });

  test('does not say that a rule holds something again where policy.json is damaged', async () => {
    const held = { request: { ...request, policy: { hold: ['tool'] } } };
    await make(0, [APP, LIB, TOOL]);
    const newer = [APP, LIB, { ...TOOL, version: '2.0', bottle: 'tool 2' }];
    await make(60, newer, held);
    await writeFile(join(place, 'mirror/policy.json'), '{}');
    await make(120, newer, held);
    expect((await changesIn(join(place, 'mirror'))).map(({ version }) => version)).toEqual([
      ...[MONDAY + 60, MONDAY],
    ]);
  });

  test('starts again where the document is damaged', async () => {
    await make(0, [APP, LIB, TOOL]);
    await writeFile(join(place, 'mirror/changes.json'), '{"snapshots":[]}');
    await make(60, [APP, LIB, { ...TOOL, version: '2.0' }]);
    expect(await changesIn(join(place, 'mirror'))).toEqual([
      expect.objectContaining({
        version: MONDAY + 60,
        counts: { added: 0, updated: 1, removed: 0, held: 0 },
      }),
    ]);
  });
});
