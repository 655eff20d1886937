import { cp, link, mkdir, readdir, readFile, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PRIVATE } from '../../builder/directory/paths.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { SPECIAL_FILES } from '../support/faults/special-files.ts';
import { TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { sha256, writeUpstream } from './upstream.ts';

const folder = await temporaryFolder();
const upstream = join(folder, 'upstream');
const original = join(folder, 'original');
const BOTTLE = 'bottles/hello-1.0.all.bottle.tar.gz';
const NEW_BOTTLE = 'the bottle of newer';
const INCOMING = `${PRIVATE}/incoming`;
const environment = {
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
  XDG_CACHE_HOME: join(folder, 'cache'),
};
let copies = 0;

const run = (...args: string[]) => commandLine(args, environment);
const FROM = ['--upstream', upstream, '--platforms', 'sonoma'];
const VERBS: Record<string, (directory: string) => ReturnType<typeof run>> = {
  sign: (directory) => run('sign', directory),
  create: (directory) => run('create', directory, 'hello', 'newer', ...FROM),
  update: (directory) => run('update', directory, 'newer', '--upstream', upstream),
  prune: (directory) => run('prune', directory),
  verify: (directory) => run('verify', directory),
  info: (directory) => run('info', directory),
  outdated: (directory) => run('outdated', directory, '--upstream', upstream),
  why: (directory) => run('why', directory, 'hello'),
  diff: (directory) => run('diff', original, directory),
};
const READERS = ['verify', 'info', 'outdated', 'why', 'diff'];

beforeAll(async () => {
  await writeUpstream(upstream, { formulas: [{ name: 'hello' }, { name: 'newer' }] });
  expect(await run('create', original, 'hello', ...FROM)).toMatchObject({ status: 0 });
});

/** A copy of the mirror, and a folder outside it whose state must never change. */
async function world() {
  const place = join(folder, String(++copies));
  const [directory, outside] = [join(place, 'mirror'), join(place, 'outside')];
  await cp(original, directory, { recursive: true });
  await mkdir(outside);
  return { directory, outside };
}

/** Every name below a folder, with its content. */
async function stateOf(outside: string): Promise<Record<string, string>> {
  const found = await readdir(outside, { recursive: true, withFileTypes: true });
  const files = found.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path, entry.isFile() ? sha256(await readFile(path)) : 'no file'] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

/** Moves a place of the mirror outside, or makes something there, and leaves a link to it. */
async function replaceByLink(directory: string, path: string, outside: string): Promise<void> {
  const [place, aim] = [join(directory, path), join(outside, 'aim')];
  await mkdir(dirname(place), { recursive: true });
  const isFile = /\.\w+$|lock/.test(path) && path !== PRIVATE;
  await rename(place, aim).catch(() => (isFile ? writeFile(aim, 'precious') : mkdir(aim)));
  // In a folder, something that a mirror would remove.
  if (!isFile) await writeFile(join(aim, 'precious-1.0.dmg'), 'precious');
  await symlink(aim, place);
}

const PLACES = [
  ...[PRIVATE, INCOMING, `${PRIVATE}/upstream`, `${PRIVATE}/lock-holder`, `${PRIVATE}/lock`],
  ...[`${PRIVATE}/journal.json`, 'bottles', 'index', 'index/formulas', 'snapshot', 'snapshot/leaves'],
  ...['snapshot/root.json', 'manifest.json', 'index/formulas.db', BOTTLE],
];

/** The others are in the long part. */
const TRIED_FIRST = [INCOMING, `${PRIVATE}/lock-holder`, 'bottles', BOTTLE];

describe.each(PLACES)('when %s is a link out of the mirror', (path) => {
  async function expectNothingChanged(verb: string): Promise<void> {
    const { directory, outside } = await world();
    await replaceByLink(directory, path, outside);
    const before = await stateOf(outside);
    const { status, stdout, stderr } = (await VERBS[verb]?.(directory)) ?? expect.unreachable();
    expect(await stateOf(outside)).toEqual(before);
    if (status !== 0) expect(stdout + stderr).toContain(path);
    const reads = ['create', 'update', ...(path.startsWith(PRIVATE) ? [] : ['verify'])];
    if (reads.includes(verb)) expect(status).toBe(1);
  }
  const title = '%s changes nothing there, and names it if it needs it';
  if (TRIED_FIRST.includes(path)) it.each(['create', 'prune'])(title, expectNothingChanged);
  it.each(Object.keys(VERBS))(title, { tags: 'long' }, expectNothingChanged);
});

it.each(['sign', 'update'])('when the mirror itself is named by a link, %s works', async (verb) => {
  const { directory, outside } = await world();
  await symlink(directory, join(outside, 'alias'));
  expect(await VERBS[verb]?.(join(outside, 'alias'))).toMatchObject({ status: 0 });
  expect((await run('verify', directory)).status).toBe(0);
});

describe('what an interrupted run left', () => {
  const part = `${INCOMING}/${sha256(NEW_BOTTLE)}.part`;

  it('when a part is a link, refuses it and writes nothing there', async () => {
    const { directory, outside } = await world();
    await replaceByLink(directory, part, outside);
    const before = await stateOf(outside);
    const { status, stderr } = await run('update', directory, 'newer', '--upstream', upstream);
    expect([status, stderr]).toEqual([1, expect.stringContaining(part)]);
    expect(await stateOf(outside)).toEqual(before);
  });

  it.each([
    ['a part', part],
    ['a whole file', `${INCOMING}/${sha256(NEW_BOTTLE)}`],
    ['a file that was being written', `${INCOMING}/${sha256(NEW_BOTTLE)}.tmp`],
    ['the holder of the lock', `${PRIVATE}/lock-holder`],
    ['a file of the mirror', BOTTLE],
    ['the manifest', 'manifest.json'],
  ])('when %s has a second name outside, that keeps its bytes', async (_what, path) => {
    const { directory, outside } = await world();
    const precious = join(outside, 'precious');
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await link(join(directory, path), precious).catch(async () => {
      await writeFile(precious, 'the ');
      await link(precious, join(directory, path));
    });
    const before = await stateOf(outside);
    for (const verb of ['update', 'sign', 'prune']) {
      expect([verb, await VERBS[verb]?.(directory)]).toEqual([verb, expect.objectContaining({ status: 0 })]);
    }
    expect(await stateOf(outside)).toEqual(before);
    expect((await run('verify', directory)).status).toBe(0);
  });

  it.each(['lock', 'lock-journal'])('when %s is a database of somebody else, refuses it', async (name) => {
    const { directory, outside } = await world();
    const precious = join(outside, 'precious');
    await mkdir(join(directory, PRIVATE));
    await cp(join(directory, 'index/formulas.db'), precious);
    await link(precious, join(directory, PRIVATE, name));
    const before = await stateOf(outside);
    const { status, stderr } = await run('sign', directory);
    expect([status, stderr]).toEqual([1, expect.stringContaining(`${PRIVATE}/${name}`)]);
    expect(await stateOf(outside)).toEqual(before);
  });
});

describe('what has no end', () => {
  const SPARSE = [
    'a file of 8 TB',
    (path: string) => writeFile(path, '').then(() => truncate(path, 8e12)),
  ] as const;
  const PATHS = ['snapshot/root.json', 'snapshot/root.json.sig', 'manifest.json', 'index/formulas.db'];

  async function expectEnds(
    path: string,
    make: (path: string) => Promise<unknown>,
    verbs: readonly string[],
  ): Promise<void> {
    const { directory } = await world();
    await rename(join(directory, path), join(directory, '..', 'before'));
    await make(join(directory, path));
    for (const verb of verbs) {
      const { status, stderr } = (await VERBS[verb]?.(directory)) ?? expect.unreachable();
      if (verb === 'verify') expect([path, status]).toEqual([path, 1]);
      expect(stderr).not.toMatch(/\n {4}at |node:internal/);
    }
  }

  const title = 'when a file of the mirror is %s, every verb ends';
  const limits = { timeout: 20_000 };
  const short = SPECIAL_FILES.filter(([what]) => ['a link to a device', 'a pipe'].includes(what));
  it.each([SPARSE, ...short])(title, limits, (_what, make) => expectEnds(BOTTLE, make, ['verify', 'update']));
  it.each([SPARSE, ...SPECIAL_FILES])(title, { ...limits, tags: 'long' }, async (_what, make) => {
    for (const path of [BOTTLE, ...PATHS]) await expectEnds(path, make, [...READERS, 'sign', 'create']);
  });
});
