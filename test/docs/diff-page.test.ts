import { writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import type { Decision } from '../../format/policy.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { writeAdvisories } from '../support/advisories.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { resignWith } from '../support/resign.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { PROJECT } from './pages/pages.ts';

const folder = await temporaryFolder();
const [upstream, live, next] = ['upstream', 'live', 'next'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];

/** A bottle of some kilobytes. */
const bottle = (name: string, kilobytes: number): string => `${name} `.padEnd(kilobytes * 1000, '.');

const HELD: Decision = {
  ...{ kind: 'formula', name: 'node', version: '25.0.0', rule: 'min-age', outcome: 'held' },
  ...{ reason: 'built on 2026-11-26; 3 days are required', until: Date.parse('2026-11-29T08:00:00Z') / 1000 },
};

test('docs/diff.md shows a diff as the program prints it', { tags: 'long' }, async () => {
  const ten = { valid_for: 10 * 365 * 86_400, vulnerabilities: true };
  const request = { ...REQUEST, ...ten, casks: [], tags: ['x86_64_linux'] };
  const stays = [
    { name: 'node', version: '24.11.0', bottle: bottle('node', 900) },
    { name: 'tmux', version: '3.5a', runtime: ['libevent'], bottle: bottle('tmux', 350) },
    { name: 'libevent', version: '2.1.12', bottle: bottle('libevent', 412) },
    { name: 'wget', version: '1.25.0' },
  ];
  const advisory = {
    id: 'CVE-2023-50246',
    formula: 'jq',
    severity: 'medium',
    affected: '1.7',
    fixed: '1.7.1',
  };
  await writeUpstream(upstream, {
    formulas: [...stays, { name: 'jq', version: '1.7' }, { name: 'openssl@3', version: '3.5.2' }],
  });
  await writeAdvisories(upstream, [advisory]);
  const before = ['jq', 'openssl@3', 'wget', 'node'];
  await makeMirror(live, {
    upstream,
    request: { ...request, packages: before },
    now: new Date('2026-11-20T08:00:00Z'),
  });
  await copyMirror(live, next);
  await writeUpstream(upstream, {
    formulas: [
      ...stays,
      { name: 'jq', version: '1.8.1', bottle: bottle('jq', 430) },
      { name: 'openssl@3', version: '3.5.2', bottle: bottle('openssl', 8100) },
    ],
  });
  await writeAdvisories(upstream, [advisory]);
  const after = ['jq', 'openssl@3', 'tmux', 'node'];
  await makeMirror(next, {
    upstream,
    request: { ...request, packages: after },
    now: new Date('2026-11-27T08:00:00Z'),
  });
  await resignWith(next, TEST_KEY, 'policy.json', (local) =>
    writeFileSync(local, JSON.stringify({ decisions: [HELD] })),
  );
  await rm(join(next, 'policy.json.sig'));
  const environment = { MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY) };
  const { status, stdout } = await commandLine(['diff', live, next, '--markdown'], environment);
  const shown = stdout.replace(live, 'https://mirror.example.com').replace(next, './my-mirror');
  const page = await readFile(join(PROJECT, 'docs/diff.md'), 'utf8');
  const [, example] = /<!-- example -->\n\n([\s\S]*)\n<!-- end of example -->/.exec(page) ?? [];
  expect([status, example]).toEqual([0, shown]);
});
