import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, parsePublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import { formatSecretKey, parseSecretKey } from '../../format/minisign/secret-key.ts';
import { parseSignature, signPrehashed } from '../../format/minisign/signature.ts';
import { needs } from '../support/programs.ts';
import { KEY, nodeScrypt, OTHER_KEY, verifyPrehashed } from './support.ts';

const MESSAGE = Buffer.from('what is signed\n');
const PREHASH = new Uint8Array(createHash('blake2b512').update(MESSAGE).digest());
const COMMENT = `timestamp:1793534400\tfile:index/formulas.db\tsha256:${'0'.repeat(64)}\tsize:15`;
let directory = '';

/** Runs minisign in the test's directory; `input` answers its password prompts. */
const minisign = (args: readonly string[], input = '') =>
  spawnSync('minisign', args, { cwd: directory, input, encoding: 'utf8' });
const write = (name: string, text: string | Uint8Array) => writeFileSync(join(directory, name), text);
const read = (name: string) => readFileSync(join(directory, name), 'utf8');

describe('the real minisign program', needs('minisign'), () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'minisign-'));
    write('file', MESSAGE);
    write('ours.pub', formatPublicKey(KEY.publicKey));
    write('other.pub', formatPublicKey(OTHER_KEY.publicKey));
    write('ours.sig', signPrehashed(KEY, PREHASH, COMMENT));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('when we sign, it verifies the signature and prints our comment', () => {
    const { status, stdout } = minisign(['-V', '-Q', '-p', 'ours.pub', '-m', 'file', '-x', 'ours.sig']);
    expect(stdout.trimEnd()).toBe(COMMENT);
    expect(status).toBe(0);
  });

  it('when we sign with another key, it refuses the signature', () => {
    expect(minisign(['-V', '-p', 'other.pub', '-m', 'file', '-x', 'ours.sig']).status).toBe(1);
  });

  it('when we sign with the longest comment that we allow, it verifies the signature', () => {
    write('long.sig', signPrehashed(KEY, PREHASH, 'x'.repeat(8173)));
    expect(minisign(['-V', '-p', 'ours.pub', '-m', 'file', '-x', 'long.sig']).status).toBe(0);
  });

  it('when it signs with a key file of ours, its signature is ours, byte for byte', async () => {
    write('ours.key', await formatSecretKey(KEY));
    minisign(['-S', '-W', '-s', 'ours.key', '-m', 'file', '-x', 'its.sig', '-t', COMMENT]);
    expect(read('its.sig')).toBe(read('ours.sig'));
  });

  it('when it signs with an encrypted key file of ours and the password, its signature is ours', async () => {
    const salt = new Uint8Array(32).fill(7);
    const limits = { opslimit: 1_048_576, memlimit: 33_554_432 };
    write(
      'locked.key',
      await formatSecretKey(KEY, { password: 'pässword', salt, scrypt: nodeScrypt, ...limits }),
    );
    const sign = ['-S', '-s', 'locked.key', '-m', 'file', '-x', 'locked.sig', '-t', COMMENT];
    expect(minisign(sign, 'wrong\n').status).not.toBe(0);
    expect(minisign(sign, 'pässword\n').status).toBe(0);
    expect(read('locked.sig')).toBe(read('ours.sig'));
  });

  it('when it makes a key pair, we read it and verify its signatures', async () => {
    minisign(['-G', '-W', '-p', 'its.pub', '-s', 'its.key']);
    minisign(['-S', '-W', '-s', 'its.key', '-m', 'file', '-x', 'made.sig']);
    const key = await parseSecretKey(read('its.key'), 'its.key');
    const publicKey = parsePublicKey(read('its.pub'), 'its.pub');
    expect(key.publicKey).toEqual(publicKey);
    // The comment above the key is not compared: minisign leaves the zeros out that a key id begins with.
    expect(publicKeyLine(publicKey)).toBe(read('its.pub').split('\n')[1]);
    const signature = parseSignature(read('made.sig'), 'made.sig');
    expect(verifyPrehashed(signature, PREHASH, [publicKey], 'made.sig')).toEqual(publicKey);
  });
});
