import { writeFileSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { serveDirectory } from '../../builder/serve.ts';
import { textOf, utf8 } from '../../format/bytes.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { encodePackageList, parsePackageList } from '../../format/package-list.ts';
import type { Decision } from '../../format/policy.ts';
import { startServer } from '../builder/server.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { writeAdvisories } from '../support/advisories.ts';
import { commandLine } from '../support/command-line.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { resignRoot, resignWith } from '../support/resign.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);
const [before, after, upstream] = [at('before'), at('after'), at('upstream')];
const environment = { MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY), XDG_CACHE_HOME: folder };
const request = {
  ...REQUEST,
  ...{ packages: ['app', 'tool', 'leaving', 'same'], casks: [], tags: ['sonoma'], vulnerabilities: true },
};
const [MONDAY, TUESDAY] = [new Date(Date.now() - 60_000), new Date(Date.now() - 30_000)];

const diff = (...args: string[]) => commandLine(['diff', ...args], environment);

/** Returns the JSON of a diff. */
async function jsonOf(...args: string[]) {
  const { status, stdout, stderr } = await diff(...args, '--json');
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

beforeAll(async () => {
  await writeUpstream(upstream, {
    formulas: [
      { name: 'app', runtime: ['lib'] },
      { name: 'lib' },
      ...['tool', 'leaving', 'same'].map((name) => ({ name })),
    ],
  });
  await writeAdvisories(upstream, [{ id: 'CVE-1', formula: 'app', affected: '<2.0', fixed: '2.0' }]);
  await makeMirror(before, { upstream, request, now: MONDAY });
  await copyMirror(before, after);
  await writeUpstream(upstream, {
    formulas: [
      { name: 'app', version: '2.0', runtime: ['lib', 'new'], bottle: 'twelve bytes' },
      { name: 'lib', bottle: 'rebuilt' },
      { name: 'new', version: '3.0', bottle: 'news' },
      ...['tool', 'leaving', 'same'].map((name) => ({ name })),
    ],
  });
  await writeAdvisories(upstream, [
    { id: 'CVE-1', formula: 'app', affected: '<2.0', fixed: '2.0' },
    { id: 'CVE-2', formula: 'tool', affected: '>=0.9, <1.1', fixed: null },
  ]);
  const packages = ['app', 'tool', 'same'];
  await makeMirror(after, { upstream, request: { ...request, packages }, now: TUESDAY });
});

const CHANGES = [
  {
    kind: 'formula',
    name: 'app',
    from: '1.0',
    to: '2.0',
    fetch: { files: 1, bytes: 12, of_unknown_size: 0 },
  },
  { kind: 'formula', name: 'leaving', from: '1.0', fetch: { files: 0, bytes: 0, of_unknown_size: 0 } },
  { kind: 'formula', name: 'lib', from: '1.0', to: '1.0', fetch: { files: 1, bytes: 7, of_unknown_size: 0 } },
  { kind: 'formula', name: 'new', to: '3.0', fetch: { files: 1, bytes: 4, of_unknown_size: 0 } },
];
const VULNERABILITIES = {
  fixed: [{ id: 'CVE-1', severity: 'high', formula: 'app', version: '1.0', unclear: false }],
  found: [{ id: 'CVE-2', severity: 'high', formula: 'tool', version: '1.0', unclear: false }],
};

describe('diff of two folders', () => {
  test('lists what comes, goes and changes, with bytes and vulnerabilities', async () => {
    const { status, stdout } = await diff(before, after);
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(2)).toEqual([
      ...['~ app 1.0 → 2.0 (12 B)', '- leaving 1.0', '~ lib 1.0, rebuilt (7 B)', '+ new 3.0 (4 B)'],
      ...['✓ app: CVE-1 (high) is fixed', '! tool 1.0: CVE-2 (high) is known'],
      ...['4 packages differ, 3 files to fetch (23 B), 3 files no longer there (55 B).', ''],
    ]);
    expect(await jsonOf(before, after)).toMatchObject({
      ...{ same_mirror: true, same_snapshot: false, differs: true, warnings: [] },
      ...{ changes: CHANGES, vulnerabilities: VULNERABILITIES },
      fetch: { files: 3, bytes: 23, of_unknown_size: 0 },
    });
  });

  test('is the other way around the other way around', async () => {
    const { changes, vulnerabilities } = await jsonOf(after, before);
    expect(changes.map(({ name, from, to }: Record<string, string>) => [name, from, to])).toEqual([
      ...[
        ['app', '2.0', '1.0'],
        ['leaving', undefined, '1.0'],
      ],
      ...[
        ['lib', '1.0', '1.0'],
        ['new', '3.0', undefined],
      ],
    ]);
    expect(vulnerabilities.found).toEqual(VULNERABILITIES.fixed);
  });

  test('ends with 1 for --exit-code if they differ, and says when they are the same', async () => {
    expect(await diff(before, after, '--exit-code')).toMatchObject({ status: 1 });
    expect(JSON.parse((await diff(before, after, '--exit-code', '--json')).stdout).exit_code).toBe(1);
    expect(await diff(before, before, '--exit-code')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/\nNo difference: both are the same snapshot\.\n$/),
    });
    const signed = at('signed');
    await copyMirror(after, signed);
    await makeMirror(signed, { upstream, request: { ...request, packages: ['app', 'tool', 'same'] } });
    expect(await diff(after, signed, '--exit-code')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/\nNo difference\.\n$/),
    });
  });

  test('compares two mirrors, and says that they are two', async () => {
    const other = at('other');
    await makeMirror(other, {
      upstream,
      request: { ...request, packages: ['tool'], vulnerabilities: false },
    });
    const { status, stderr } = await diff(before, other);
    expect([status, stderr]).toEqual([0, expect.stringContaining('These are two mirrors')]);
    expect(stderr).toContain(`not compared: ${other} has no vulnerability database.`);
    expect(await jsonOf(before, other)).toMatchObject({ same_mirror: false });
  });

  test('compares what has expired or is older than what was accepted, with a warning', async () => {
    const expired = at('expired');
    await cp(before, expired, { recursive: true });
    const times = { created_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-02T00:00:00Z' };
    await resignRoot(expired, TEST_KEY, times);
    const state = { ...environment, XDG_STATE_HOME: at('state') };
    expect(await commandLine(['verify', after], state)).toMatchObject({ status: 0 });
    const { status, stdout, stderr } = await commandLine(['diff', expired, after], state);
    expect([status, stdout]).toEqual([0, expect.stringContaining('~ app 1.0 → 2.0')]);
    expect(stderr).toContain(`${expired} has expired, at 2026-01-02T00:00:00Z.`);
    expect(stderr).toContain(`${expired}: snapshot/root.json is older than one that was seen`);
  });

  test('refuses what another key signed', async () => {
    const other = publicKeyLine(OTHER_KEY.publicKey);
    expect(await commandLine(['diff', before, after, '--trust', other])).toMatchObject({
      ...{ status: 1, stdout: '', stderr: expect.stringContaining('--trust') },
    });
  });

  /** Expects that a file that is gone, or has another byte at its end, is refused and named. */
  async function expectRefused(path: string, isGone: boolean): Promise<void> {
    const damaged = at(`damaged-${isGone}-${path.replaceAll('/', '-')}`);
    await copyMirror(after, damaged);
    const bytes = await readFile(join(damaged, path));
    if (isGone) await rm(join(damaged, path));
    else await writeFile(join(damaged, path), Buffer.concat([bytes.subarray(0, -1), Buffer.from(' ')]));
    const { status, stdout, stderr } = await diff(before, damaged);
    expect([status, stdout, stderr]).toEqual([1, '', expect.stringContaining(path)]);
  }
  const DOCUMENTS = ['index/packages.tsv', 'manifest.json', 'policy.json', 'vulns/cve.db'];

  test('refuses a root or a list that is not as it was signed', async () => {
    for (const path of ['snapshot/root.json', 'index/packages.tsv']) await expectRefused(path, false);
  });

  test.each(DOCUMENTS)('refuses %s that is altered or gone', { tags: 'long' }, async (path) => {
    for (const isGone of [true, false]) await expectRefused(path, isGone);
  });
});

describe('diff with a URL', () => {
  async function serve(directory: string, mirrorToken?: string): Promise<string> {
    const serving = await serveDirectory({
      ...{ directory, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey], mirrorToken },
      clock: () => new Date(),
    });
    onTestFinished(() => serving.close());
    return serving.origin;
  }

  test('is as with the folder that is served', async () => {
    const { changes, vulnerabilities, to, fetch } = await jsonOf(before, await serve(after));
    expect([changes, vulnerabilities, fetch.bytes]).toEqual([CHANGES, VULNERABILITIES, 23]);
    expect(to).toMatchObject({ place: expect.stringMatching(/^http:/), version: expect.any(Number) });
  });

  test('takes the token of a private mirror, and prints it nowhere', async () => {
    const origin = await serve(after, 's3cret');
    expect(await diff(before, origin)).toMatchObject({ status: 1, stderr: expect.stringContaining('token') });
    const { status, stdout, stderr } = await diff(before, origin.replace('//', '//ci:s3cret@'), '--markdown');
    expect([status, stdout, stdout + stderr]).toEqual([
      ...[0, expect.stringContaining(origin), expect.not.stringContaining('s3cret')],
    ]);
  });

  test('that is published while it is read, reads it again', async () => {
    let current = before;
    let leaves = 0;
    const { origin } = await startServer(async (request, response) => {
      const path = new URL(request.url ?? '', 'http://x').pathname;
      // From the first leaf on, there is the next snapshot.
      if (path.startsWith('/snapshot/leaves/') && ++leaves === 1) {
        response.end(await readFile(join(before, path)));
        current = after;
        return;
      }
      response.end(await readFile(join(current, path)));
    });
    expect((await jsonOf(before, origin)).changes).toEqual(CHANGES);
  });

  test.each([
    [1, 'other bytes', 'of another mirror'],
    [4, 'a login page', '<html>login'],
  ])('ends with %i for %s', async (code, _what, body) => {
    const { origin } = await startServer((_request, response) =>
      response.writeHead(200, { 'content-type': body.startsWith('<') ? 'text/html' : 'x/y' }).end(body),
    );
    expect(await diff(before, origin)).toMatchObject({ status: code, stdout: '' });
  });
});

describe('diff with the upstream', () => {
  const from = ['--upstream', upstream];

  test('says what an update would bring, who needs it, and how much is to be fetched', async () => {
    const { status, stdout } = await diff(before, 'upstream', ...from);
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual([
      ...['~ app 1.0 → 2.0 (12 B)', '~ lib 1.0, rebuilt (7 B)', '+ new 3.0, needed by app (4 B)'],
      ...['✓ app: CVE-1 (high) is fixed', '! tool 1.0: CVE-2 (high) is known'],
      ...[`3 packages would change: stout-mirror update ${before} --upstream ${upstream}`, ''],
    ]);
    expect((await commandLine(['outdated', before, ...from], environment)).stdout).toBe(stdout);
    expect((await jsonOf(before, 'upstream', ...from)).vulnerabilities).toEqual(VULNERABILITIES);
  });

  test('is planned from a served mirror too, without its packages, in folders that nobody else can read', async () => {
    const temporary = at('temporary');
    await mkdir(temporary);
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const modes = new Set<number>();
    const { origin } = await startServer(async (request, response) => {
      for (const name of await readdir(temporary))
        modes.add((await stat(join(temporary, name))).mode & 0o777);
      response.end(await readFile(join(before, new URL(request.url ?? '', 'http://x').pathname)));
    });
    const { status, stdout } = await diff(origin, 'upstream', ...from);
    expect([[...modes], await readdir(temporary)]).toEqual([[0o700], []]);
    expect([status, stdout.split('\n')]).toEqual([
      0,
      [
        ...['~ app 1.0 → 2.0 (12 B)', '~ lib 1.0, rebuilt (7 B)', '+ new 3.0, needed by app (4 B)'],
        ...['✓ app: CVE-1 (high) is fixed', '! tool 1.0: CVE-2 (high) is known'],
        ...['3 packages would change.', ''],
      ],
    ]);
  });

  test('keeps what is no longer available upstream, from a served mirror too', async () => {
    const less = at('less');
    await writeUpstream(less, { formulas: [{ name: 'tool' }] });
    await writeAdvisories(less, []);
    const serving = await serveDirectory({
      ...{ directory: before, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey] },
      clock: () => new Date(),
    });
    onTestFinished(() => serving.close());
    for (const place of [before, serving.origin]) {
      const { changes, kept } = await jsonOf(place, 'upstream', '--upstream', less);
      expect([place, changes, kept.sort()]).toEqual([place, [], ['app', 'leaving', 'lib', 'same']]);
    }
  });

  test('--exit-code of outdated says whether there is anything to do', async () => {
    const outdated = (dir: string) => commandLine(['outdated', dir, '--exit-code', ...from], environment);
    expect(await outdated(before)).toMatchObject({ status: 1 });
    expect(await outdated(after)).toMatchObject({
      ...{ status: 0, stdout: 'Everything is at its newest version.\n' },
    });
  });

  test.each([
    [['upstream', before], 'comes second'],
    [[before, after, '--upstream', upstream], 'are for a comparison with `upstream`'],
    [[before, after, '--markdown', '--json'], 'exclude each other'],
    [[before], 'missing required argument'],
    [[before, after, after], 'too many arguments'],
  ])('%j is wrong usage', async (args, message) => {
    expect(await diff(...args)).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
  });
});

const HOSTILE = '`@everyone` <img src=x onerror=a()> | [a](https://evil.example) #1 \\| \u202e\u200b\r# x';

describe('diff --markdown', () => {
  /** A mirror of which a list was signed with other content. */
  async function altered(name: string, path: string, alter: (text: string) => string): Promise<string> {
    const directory = at(name);
    await copyMirror(after, directory);
    const text = await readFile(join(directory, path), 'utf8');
    await resignWith(directory, TEST_KEY, path, (local) => writeFileSync(local, alter(text)));
    await rm(join(directory, `${path}.sig`));
    return directory;
  }

  test('prints tables', async () => {
    const { stdout } = await diff(before, after, '--markdown');
    expect(stdout).toContain('### 4 packages differ, 3 files to fetch (23 B)');
    expect(stdout).toContain(
      '| changed | `app` | `1.0` → `2.0` | 12 B |\n| removed | `leaving` | `1.0` |  |\n',
    );
    expect(stdout).toContain('| rebuilt | `lib` | `1.0` | 7 B |\n| added | `new` | `3.0` | 4 B |\n');
    expect(stdout).toContain('| new | `CVE-2` | high | `tool` `1.0` |  |\n| fixed | `CVE-1` | high |');
  });

  test('lists what the policy decided', async () => {
    const decision = {
      ...{ kind: 'formula', name: 'same', version: '9.0', rule: 'min-age', outcome: 'held' },
      ...{ reason: 'it needs lib: built 2 days ago', until: 1_798_675_200, needs: 'lib' },
    } satisfies Decision;
    const decided = await altered('decided', 'policy.json', () => JSON.stringify({ decisions: [decision] }));
    expect((await diff(after, decided, '--markdown')).stdout).toContain(
      '| held | `same` | `9.0` | min-age | `it needs lib: built 2 days ago` | 2026-12-31T00:00:00Z |\n',
    );
    expect((await diff(after, decided, '--exit-code')).status).toBe(1);
    expect((await diff(after, decided)).stdout).toContain(
      '= Held back: same 9.0 (min-age, until 2026-12-31T00:00:00Z): it needs lib: built 2 days ago.\nNo package differs.\n',
    );
    expect((await jsonOf(decided, decided)).decisions).toEqual([{ ...decision, is_new: false }]);
  });

  test('leaves nothing in foreign text that is Markdown, HTML, a link or a mention', async () => {
    const hostile = await altered('hostile', 'index/packages.tsv', (text) => {
      const lines = text
        .replace(/^new(?=\t)/m, HOSTILE)
        .replace('\t3.0\t', `\t${HOSTILE}\t`)
        .split('\n');
      return `${lines.slice(0, -1).sort().join('\n')}\n`;
    });
    const { status, stdout } = await diff(before, hostile, '--markdown');
    expect(status).toBe(0);
    const [line = ''] = stdout.split('\n').filter((one) => one.includes('everyone'));
    const cell =
      "`'@everyone' <img src=x onerror=a()> / [a](https://evil.example) #1 // \ufffd\ufffd\ufffd# x`";
    expect(line).toBe(`| added | ${cell} | ${cell} |  |`);
    // Outside code spans there are our own words alone.
    expect(stdout.replaceAll(/`[^`\n]+`/g, '')).not.toMatch(/everyone|evil|img|[<>[\]]/);
    for (const text of [(await diff(before, hostile)).stdout]) expect(text).not.toMatch(/^# x/m);
  });

  test('stays shorter than a comment may be, and says how much is left out', async () => {
    const long = await altered('long', 'index/packages.tsv', (text) => {
      const list = parsePackageList(utf8(text));
      const more = list
        .slice(0, 1)
        .flatMap((first) =>
          Array.from({ length: 400 }, (_, at) => ({ ...first, name: `package-${at}-${'😀'.repeat(300)}` })),
        );
      return textOf(encodePackageList([...list, ...more]), 'the list');
    });
    const { stdout } = await diff(before, long, '--markdown');
    expect(stdout.length).toBeLessThan(65_536);
    expect(stdout).toMatch(/^… and \d{3} more: `stout-mirror diff` lists them all\.$/m);
    expect(stdout).toContain('`CVE-2`');
    expect((await jsonOf(before, long)).changes).toHaveLength(404);
    const lines = (await diff(before, long)).stdout.split('\n').slice(2);
    // Nothing is cut off: a terminal breaks long lines itself, and what reads a pipe needs all of them.
    expect(lines.filter((line) => line.startsWith(`+ package-399-${'😀'.repeat(300)} `))).toHaveLength(1);
  });
});
