import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { brewEnvironment } from '../../format/client-config.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import type { Policy } from '../../format/policy.ts';
import { CATALOG } from '../../scripts/sample/catalog.ts';
import { writeSampleUpstream } from '../../scripts/sample/write.ts';
import { BREW_REQUEST, makeBrewMirror } from '../builder/homebrew/sample.ts';
import { copyMirror } from '../support/mirror.ts';
import { type Ended, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type Front, startFront } from './front.ts';
import { HOSTS } from './hosts.ts';

/*
 * Homebrew itself against all three servers. BREW is the brew to run, 5.1 or newer on x86-64 Linux, in whose checkout
 * Library/Homebrew/api/homebrew-1.pem is the sample's key (scripts/sample/homebrew/test-key.pem, its public half). It has no
 * packages that it needs to keep: each test begins with an empty cellar.
 */
const { BREW = '' } = process.env;
const TAG = 'x86_64_linux';
const TOKEN = 's3cret+/=';
const TIMEOUT = 120_000;

const folder = await temporaryFolder();
const [before, upstream] = [join(folder, 'before'), join(folder, 'upstream')];
const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);

const REQUEST: MirrorRequest = {
  ...BREW_REQUEST,
  packages: ['jq', 'lz4'],
  tags: [TAG],
  dev_dependencies: false,
};

/** Returns the environment for a mirror. */
type Lines = (origin: string, token?: string) => Record<string, string>;

/** The ways to ask for bottles, as docs/clients.md has them. */
const WAYS: ['by name' | 'by content', Lines][] = [
  [
    'by name',
    (origin) => ({ HOMEBREW_API_DOMAIN: `${origin}/api`, HOMEBREW_BOTTLE_DOMAIN: `${origin}/bottles` }),
  ],
  [
    'by content',
    (origin) => ({
      ...{ HOMEBREW_API_DOMAIN: `${origin}/api`, HOMEBREW_ARTIFACT_DOMAIN: origin },
      HOMEBREW_ARTIFACT_DOMAIN_NO_FALLBACK: '1',
    }),
  ],
];

/** What stout-mirror config prints for a private mirror. */
const privateLines: Lines = (origin, token = '') => {
  const lines = brewEnvironment(origin.replace('://', `://ci:${encodeURIComponent(token)}@`)).split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name = '', value = ''] = /^(HOMEBREW_\w+)=(.*)$/.exec(line) ?? [];
      return name === '' ? [] : [[name, value]];
    }),
  );
};

/** The bottles of jq and its dependency, as brew asks for them. What else it asks for depends on its version. */
const BOTTLES = {
  'by name': [
    'GET /bottles/jq-1.7.1.x86_64_linux.bottle.tar.gz',
    'GET /bottles/oniguruma-6.9.10.x86_64_linux.bottle.tar.gz',
  ],
  'by content': ['GET /v2/homebrew/core/jq/blobs/sha256:…', 'GET /v2/homebrew/core/oniguruma/blobs/sha256:…'],
};

interface Served {
  front: Front;
  environment: Record<string, string>;
  /** Brings the newer jq into the mirror, if a policy lets it in. */
  update: (policy?: Policy) => Promise<void>;
}

describe.skipIf(BREW === '')('Homebrew itself (skipped unless BREW names a brew)', { tags: ['long'] }, () => {
  let runs = 0;
  let home: string;

  beforeAll(async () => {
    // jq has what it needs; a second upstream has a newer jq.
    const formulas = CATALOG.formulas
      .filter(({ name }) => ['jq', 'oniguruma', 'pkgconf', 'lz4', 'cmake'].includes(name))
      .map((formula) => (formula.name === 'jq' ? { ...formula, version: '1.7.2', rebuild: 0 } : formula));
    await writeSampleUpstream(upstream, { now: new Date(), formulas });
    await makeBrewMirror(before, { now: hoursAgo(48), request: REQUEST });
  });

  beforeEach(async () => {
    home = join(folder, `home-${runs++}`);
    await mkdir(home);
    await chmod(home, 0o777);
  });

  const brew = (args: string[], environment: Record<string, string> = {}): Promise<Ended> =>
    runProgram(BREW, args, {
      ...{ HOME: home, HOMEBREW_CACHE: join(home, 'cache'), HOMEBREW_NO_ANALYTICS: '1' },
      ...{ HOMEBREW_NO_ENV_HINTS: '1', HOMEBREW_NO_INSTALL_CLEANUP: '1', HOMEBREW_NO_AUTO_UPDATE: '1' },
      ...environment,
    });

  /** Runs brew, which has to succeed; returns what it wrote. */
  const run = async (args: string[], environment: Record<string, string>): Promise<string> => {
    const { status, stdout, stderr } = await brew(args, environment);
    expect(status, stdout + stderr).toBe(0);
    return stdout + stderr;
  };

  describe.each(HOSTS)('from %s', (host, { skip }, start) => {
    /** Serves a copy of the older mirror, before which a front stands, to a brew without packages. */
    async function served(lines: Lines, token?: string): Promise<Served> {
      const directory = join(folder, `mirror-${runs}`);
      await copyMirror(before, directory);
      const running = await start(directory, token);
      const front = await startFront();
      front.leadTo(running.origin);
      onTestFinished(async () => {
        front.close();
        await running.close();
      });
      const environment = lines(front.origin, token);
      const names = ['jq', 'oniguruma', 'lz4'];
      const cache = { HOMEBREW_CACHE: join(home, 'cache-of-before') };
      await brew(['uninstall', '--force', '--ignore-dependencies', ...names], { ...environment, ...cache });
      front.passed.length = 0;
      const update = async (policy?: Policy): Promise<void> => {
        const request = policy ? { ...REQUEST, policy } : REQUEST;
        await makeBrewMirror(directory, { from: upstream, now: policy ? new Date() : hoursAgo(24), request });
        await running.publish();
      };
      return { front, environment, update };
    }

    // Content addresses are served by the app: a static host has files only.
    const ways = host === 'a static host' ? WAYS.slice(0, 1) : WAYS;
    describe.each(ways)('bottles %s', (way, lines) => {
      const options = { timeout: TIMEOUT, skip };

      test('a formula is installed with its dependency, and all comes from the mirror', options, async () => {
        const { front, environment } = await served(lines);
        expect(await run(['install', 'jq'], environment)).toMatch(/Pouring jq/);
        expectAllFrom(front, BOTTLES[way]);
      });

      test('after an update, brew sees the newer version and upgrades to it', options, async () => {
        const { environment, update } = await served(lines);
        await run(['install', 'jq'], environment);
        expect(await run(['outdated'], environment)).not.toContain('jq');
        await update();
        const now = { ...environment, HOMEBREW_NO_AUTO_UPDATE: '', HOMEBREW_API_AUTO_UPDATE_SECS: '0' };
        expect(await run(['outdated'], now)).toContain('jq');
        expect(await run(['upgrade', 'jq'], now)).toMatch(/1\.7\.1 -> 1\.7\.2/);
        expect(await run(['list', '--formula', '--versions'], now)).toContain('jq 1.7.2');
      });

      test("with yesterday's API, it installs what that API names", options, async () => {
        const { front, environment, update } = await served(lines);
        await run(['info', 'jq'], environment);
        await update();
        expect(await run(['install', 'jq'], environment)).toMatch(/Pouring jq/);
        expect(await run(['list', '--formula', '--versions'], environment)).toContain('jq 1.7.1');
        expectAllFrom(front, BOTTLES[way]);
      });

      test('with a minimum age, it installs what the API names that is old enough', options, async () => {
        const { front, environment, update } = await served(lines);
        await update({ min_age: 3 * 86_400 });
        const now = { ...environment, HOMEBREW_NO_AUTO_UPDATE: '', HOMEBREW_API_AUTO_UPDATE_SECS: '0' };
        expect(await run(['install', 'jq'], now)).toMatch(/Pouring jq/);
        expect(await run(['list', '--formula', '--versions'], now)).toContain('jq 1.7.1');
        expect(await run(['outdated'], now)).not.toContain('jq');
        expectAllFrom(front, BOTTLES[way]);
      });

      test('when a transfer breaks, it goes on where it was', options, async () => {
        const { front, environment } = await served(lines);
        // A static host names no file, so brew first asks with a GET whose body it does not take.
        const first = host === 'a static host' ? 2 : 1;
        let cuts = 0;
        front.alter((path, body) =>
          isLz4(path) && body.length > 0 && cuts++ < first ? { cutAfter: 1000 } : undefined,
        );
        await brew(['install', 'lz4'], environment);
        await run(['install', 'lz4'], environment);
        const ranges = front.passed.map(({ headers, status }) => [headers.range, status]);
        expect(ranges).toContainEqual(['bytes=1000-', 206]);
      });

      test('when the mirror refuses a damaged file, it does not ask again and again', options, async () => {
        const { front, environment } = await served(lines);
        front.alter((path) => (isLz4(path) ? { status: 424 } : undefined));
        expect((await brew(['install', 'lz4'], environment)).status).not.toBe(0);
        expect(front.passed.filter(({ status }) => status === 424).length).toBeLessThanOrEqual(5);
      });
    });

    test('a private mirror is used as config says, and nobody else gets the token', {
      timeout: TIMEOUT,
      skip: skip || host === 'a static host',
    }, async () => {
      const { environment, front } = await served(privateLines, TOKEN);
      expect(await run(['install', 'jq'], environment)).toMatch(/Pouring jq/);
      expectAllFrom(front, BOTTLES['by content']);
    });
  });
});

const isLz4 = (path: string): boolean => /lz4.*(bottle\.|blobs)/.test(path);

/** Expects that brew got these bottles, and all else that it asked for, at the first try. */
function expectAllFrom({ passed }: Front, bottles: readonly string[]): void {
  const asked = passed.map(
    ({ method, path }) => `${method} ${path.replace(/sha256:[0-9a-f]{64}/, 'sha256:…')}`,
  );
  expect(asked).toEqual(expect.arrayContaining([...bottles]));
  expect(passed.filter(({ status }) => status !== 200)).toEqual([]);
}
