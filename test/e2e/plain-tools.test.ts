import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { formatPublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror } from '../support/mirror.ts';
import { needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const directory = join(await temporaryFolder(), 'mirror');
await makeMirror(directory);

describe('without any of our code', () => {
  test('minisign accepts every signature with the printed key', needs('minisign'), async () => {
    const entries = (await readContents(directory))?.entries ?? [];
    const signed = entries.map((entry) => entry.name).filter((name) => name.endsWith('.sig'));
    signed.push('snapshot/root.json.sig');
    expect(signed.sort()).toEqual([
      'index/casks.db.sig',
      'index/formulas.db.sig',
      'snapshot/root.json.sig',
      'vulns/cve.db.sig',
    ]);
    const key = publicKeyLine(TEST_KEY.publicKey);
    expect(formatPublicKey(TEST_KEY.publicKey)).toContain(key);
    for (const signature of signed) {
      const file = join(directory, signature.replace(/\.sig$/, ''));
      const args = ['-V', '-P', key, '-m', file, '-x', join(directory, signature)];
      const { status, stdout } = await runProgram('minisign', args);
      expect([status, stdout]).toEqual([
        0,
        expect.stringContaining('Signature and comment signature verified'),
      ]);
      expect(stdout).toContain(`file:${signature.replace(/\.sig$/, '')}\t`);
    }
  });

  test('sqlite3 finds jq by what it does, and its bottles', needs('sqlite3'), async () => {
    const database = join(directory, 'index/formulas.db');
    const search = "SELECT name FROM formulas_fts WHERE formulas_fts MATCH 'json processor'";
    expect((await runProgram('sqlite3', [database, search])).stdout).toBe('jq\n');
    const bottles = "SELECT sha256 || '  ' || path FROM bottles WHERE formula = 'jq' AND platform = 'sonoma'";
    expect((await runProgram('sqlite3', [database, bottles])).stdout).toMatch(
      /^[0-9a-f]{64} {2}bottles\/jq-1\.7\.1\.sonoma\.bottle\.tar\.gz\n$/,
    );
  });

  test('zstd unpacks the compressed index to the signed one, byte for byte', needs('zstd'), async () => {
    const target = join(directory, '..', 'formulas.db');
    await runProgram('zstd', [
      '-q',
      '-d',
      '-f',
      join(directory, 'index/formulas/index.db.zst'),
      '-o',
      target,
    ]);
    expect(await readFile(target)).toEqual(await readFile(join(directory, 'index/formulas.db')));
  });

  test.each([
    ['cp', 'cp -r "$0" "$1"'],
    ['tar', 'mkdir "$1" && tar -czf - -C "$0" . | tar -xzf - -C "$1"'],
  ])('%s makes a copy that verifies', needs('bash', 'cp', 'tar'), async (program, script) => {
    const copy = join(directory, '..', program);
    expect(await runProgram('bash', ['-ec', script, directory, copy])).toMatchObject({ status: 0 });
    const ended = await commandLine(['verify', copy, '--trust', publicKeyLine(TEST_KEY.publicKey)]);
    expect(ended).toMatchObject({ status: 0, stdout: expect.stringContaining('OK:') });
  });

  test('sha256sum checks every file from the snapshot leaves', needs('awk', 'sha256sum'), async () => {
    const script = `cd "$1" && awk -F '\\t' '!/\\tpath=/ { print $2 "  " $1 }' snapshot/leaves/*.tsv |
      sha256sum -c --quiet && echo all`;
    const { status, stdout } = await runProgram('sh', ['-c', script, 'sh', directory]);
    expect([status, stdout]).toEqual([0, 'all\n']);
  });
});
