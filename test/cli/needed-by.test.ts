import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const [upstream, mirror] = [join(folder, 'upstream'), join(folder, 'mirror')];
const environment = { MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY), XDG_CACHE_HOME: folder };
const run = (...args: string[]) =>
  commandLine([...args, '--upstream', upstream, '--platforms', 'sonoma'], environment);

test('create, update and --dry-run say who needs a new package that was not asked for', async () => {
  await writeUpstream(upstream, {
    formulas: [
      { name: 'tmux', runtime: ['libevent'] },
      { name: 'libevent', runtime: ['ssl'] },
      { name: 'ssl' },
      { name: 'jq', build: ['make'] },
      { name: 'make' },
    ],
    casks: [{ token: 'viewer', json: { depends_on: { formula: ['jq'] } } }],
  });
  const preview = await run('create', mirror, 'tmux', '--dry-run');
  expect(preview.stderr).toMatch(/^\+ libevent 1\.0, needed by tmux$/m);
  expect(preview.stderr).toMatch(/^\+ ssl 1\.0, needed by libevent$/m);
  expect(preview.stderr).toMatch(/^\+ tmux 1\.0$/m);
  const made = await run('create', mirror, 'tmux');
  expect(made.stderr).toMatch(/^\+ libevent 1\.0, needed by tmux$/m);
  expect(made.stderr).not.toMatch(/^\+ tmux/m);
  const updated = await run('update', mirror, '--cask', 'viewer', 'jq');
  expect(updated.stderr).toMatch(/^\+ make 1\.0, needed by jq$/m);
  expect(updated.stderr).toMatch(/^\+ jq 1\.0$/m);
  const json = await run('create', join(folder, 'other'), '--cask', 'viewer', '--dry-run', '--json');
  expect(JSON.parse(json.stdout).changes).toEqual([
    { kind: 'cask', name: 'viewer', to: '1.0' },
    { kind: 'formula', name: 'jq', to: '1.0', needed_by: { kind: 'cask', name: 'viewer' } },
  ]);
});

test('a platform that is added is not called a rebuild', async () => {
  const wider = await run('update', mirror, 'ssl', '--platforms', 'arm64_sonoma');
  expect(wider.stderr).toMatch(/^~ ssl 1\.0, now for arm64_sonoma$/m);
  await writeUpstream(upstream, { formulas: [{ name: 'ssl', bottle: 'another build' }] });
  expect((await run('update', mirror, 'ssl')).stderr).toMatch(/^~ ssl 1\.0, rebuilt$/m);
});
