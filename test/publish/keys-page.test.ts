import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { readSignedRoot } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { signingKey } from '../../builder/keys.ts';
import { ROOT, signaturePath } from '../../format/layout.ts';
import { LAST_VERSION, parseRoot, type Root, signRoot } from '../../format/snapshot/root.ts';
import { blocksOf } from '../docs/pages/markdown.ts';
import { pages } from '../docs/pages/pages.ts';
import { commandLine } from '../support/command-line.ts';
import { jsonOf, send } from '../support/http.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker, type TestWorker } from '../support/worker.ts';

const page = pages.find(({ path }) => path === 'docs/keys.md')?.text ?? '';
const [given, ...blocks] = blocksOf(page)
  .filter(({ language }) => language === 'sh')
  .map(({ text }) => text.trim().split('\n'));
const rotation = blocks.slice(0, -1).flat();
const theft = blocks.at(-1) ?? [];

let worker: TestWorker | undefined;
afterEach(async () => {
  await worker?.close();
  worker = undefined;
});

/** A user with a home and a folder, in which the commands of the page run. */
class User {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs one line as a shell would: `stout-mirror …`, with `| grep` or `> file` behind it, or `cp`. */
  async run(line: string): Promise<string> {
    const [command = '', pattern] = this.#localize(line).split(' | grep ');
    const [words = '', target] = command.split(' > ');
    const [program, ...args] = words.split(' ');
    if (program === 'export') return '';
    if (program === 'cp') {
      await copyFile(args[0] ?? '', args[1] ?? '');
      return '';
    }
    expect(program, line).toBe('stout-mirror');
    const { status, stdout, stderr } = await commandLine(args, this.#environment);
    expect([status, line, status === 0 ? '' : stderr]).toEqual([0, line, '']);
    if (target !== undefined) await writeFile(target, stdout);
    if (pattern !== undefined) expect(stdout).toContain(pattern);
    return stdout;
  }

  async file(name: string): Promise<string> {
    return readFile(join(this.folder, name), 'utf8');
  }

  get #environment(): Record<string, string> {
    return {
      ...{ HOME: this.folder, XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '', MIRROR_SIGNING_KEY: '' },
      ...{ AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey },
      ...{ AWS_SESSION_TOKEN: '', MIRROR_KEY_PASSWORD: 'correct horse' },
    };
  }

  #localize(line: string): string {
    return line
      .replace(/^(stout-mirror create) (.*)$/, `$1 $2 --upstream ${inject('upstream')} --platforms sonoma`)
      .replaceAll('--account YOUR_ACCOUNT_ID', `--endpoint ${worker?.origin}/cdn-cgi/local/r2/s3`)
      .replaceAll('--bucket stout-mirror', `--bucket ${BUCKET}`)
      .replaceAll('https://mirror.example.com', worker?.origin ?? '')
      .replaceAll(/(?<=[ =])\.\//g, `${this.folder}/`)
      .replaceAll('~/', `${this.folder}/`)
      .replaceAll(/(?<=> )(?=\w)/g, `${this.folder}/`);
  }
}

const PUBLISH = 'stout-mirror publish ./my-mirror --bucket stout-mirror --account YOUR_ACCOUNT_ID';
const OLD_PUBLIC = '.config/stout-mirror/mirror.pub';
const verdict = async () => jsonOf(await send(worker?.origin ?? '', '/verify?deep=1'));

/** Returns a user with a mirror, as the page supposes. */
async function newUser(): Promise<User> {
  const user = new User(await temporaryFolder());
  for (const line of given ?? []) await user.run(line);
  return user;
}

/** Starts the Worker that trusts the keys in these files. */
async function startWorker(user: User, ...files: string[]): Promise<void> {
  const TRUSTED_KEYS = (await Promise.all(files.map((name) => user.file(name)))).join('\n');
  worker = await startTestWorker({ TRUSTED_KEYS });
}

describe('the commands of docs/keys.md', () => {
  // With --url, publishing waits until the Worker serves the new snapshot.
  test('rotate the key of a mirror that is live, and publish it again afterwards', {
    tags: ['long'],
    timeout: 60_000,
  }, async () => {
    const user = await newUser();
    const at = rotation.findIndex((line) => line.includes('mirror.example.com'));
    for (const line of rotation.slice(0, at)) await user.run(line);
    await startWorker(user, 'new.pub', 'old.pub');
    expect(await user.run(PUBLISH)).toContain('is live');
    for (const line of rotation.slice(at)) await user.run(line);
    expect(await verdict()).toMatchObject({ ok: true });
    expect(await user.run(`${PUBLISH} --repair --trust ./new.pub --trust ./old.pub`)).toContain(
      'already live',
    );
    // Step 4: the new pair takes the place of the old one.
    for (const half of ['key', 'pub'])
      await user.run(`cp ./new.${half} ~/.config/stout-mirror/mirror.${half}`);
    await user.run('stout-mirror sign ./my-mirror');
    expect(await user.run(PUBLISH)).toContain('is live');
    expect(await verdict()).toMatchObject({ ok: true });
  });

  test.each<[string, (root: Root) => Root, string]>([
    ['the highest version', (root) => ({ ...root, version: LAST_VERSION }), ''],
    [
      'another mirror',
      (root) => ({ ...root, version: root.version + 1, mirror: root.mirror.replace(/\d+$/, '1') }),
      ' --repair',
    ],
  ])('take the mirror back from a thief who published %s', async (_what, change, repair) => {
    const user = await newUser();
    const [keygen = '', ...after] = theft;
    await user.run(keygen);
    await user.run(`cp ~/${OLD_PUBLIC} ./old.pub`);
    await startWorker(user, 'new.pub');
    await user.run(PUBLISH);
    await publishStolen(user, change);
    for (const line of after) await user.run(line.startsWith(PUBLISH) ? line + repair : line);
    expect(await verdict()).toMatchObject({ ok: true });
    expect(await user.file('config.toml')).toContain('additional_trusted_keys');
  });
});

/** Publishes what a thief signed with the user's key: the same files under another root. */
async function publishStolen(user: User, change: (root: Root) => Root): Promise<void> {
  const theirs = join(user.folder, 'theirs');
  await cp(join(user.folder, 'my-mirror'), theirs, { recursive: true });
  const key = await signingKey(join(user.folder, '.config/stout-mirror/mirror.key'), {});
  const { root, signature } = signRoot(change(parseRoot((await readSignedRoot(theirs)).root)), key);
  await writeFile(localPath(theirs, ROOT), root);
  await writeFile(localPath(theirs, signaturePath(ROOT)), signature);
  await user.run(`${PUBLISH.replace('./my-mirror', './theirs')} --repair`);
}
