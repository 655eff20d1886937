import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { ROOT, signaturePath } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import type { WalkOptions } from '../../format/verify/context.ts';
import {
  DAY,
  KEY,
  MIRROR_ID,
  NOW,
  NOW_SECONDS,
  OTHER_KEY,
  type SignedMirror,
  signMirror,
} from './support.ts';
import { damaged, failuresOf, flip, verify } from './verify-support.ts';

describe('verifying a mirror whose root cannot be trusted', () => {
  const fresh = signMirror({ bottles: 4 });
  /** A mirror with parts of another one's root. */
  function mixed(...paths: string[]): SignedMirror {
    const mirror = signMirror();
    for (const path of paths) mirror.files.set(path, fresh.files.get(path) ?? new Uint8Array());
    return mirror;
  }

  it.each([
    ['an unknown key signed it', signMirror({ key: OTHER_KEY }), 'bad-signature'],
    ['its bytes are altered', damaged(ROOT, flip), 'bad-signature'],
    ['its signature is that of another snapshot', mixed(signaturePath(ROOT)), 'bad-signature'],
    ['its bytes are those of another snapshot', mixed(ROOT), 'bad-signature'],
    ['it is gone', damaged(ROOT, () => undefined), 'missing'],
    ['its signature is gone', damaged(signaturePath(ROOT), () => undefined), 'missing'],
    ['its signature file holds something else', damaged(signaturePath(ROOT), () => utf8('x')), 'mismatch'],
  ])('when %s, nothing that it lists is trusted', async (_, mirror, state) => {
    const report = await verify(mirror);
    expect(report).toMatchObject({ ok: false, files: { total: 0, checked: 0 } });
    expect(report.snapshot).toBeUndefined();
    expect(report.failures.map((failure) => failure.state)).toEqual([state]);
    expect(report.checks.map((check) => [check.name, check.state])).toEqual([['snapshot', 'failed']]);
  });

  it('when one of several trusted keys signed it, is verified', async () => {
    const trusted = [OTHER_KEY.publicKey, KEY.publicKey];
    expect((await verify(signMirror(), { trusted })).ok).toBe(true);
  });

  it('when it has expired, reports that and still checks the files', async () => {
    const now = new Date(NOW.getTime() + 30 * DAY * 1000);
    expect((await verify(signMirror(), { now: new Date(now.getTime() - 1) })).ok).toBe(true);
    const report = await verify(signMirror(), { now });
    expect(report).toMatchObject({ ok: false, files: { verified: 10 } });
    expect(failuresOf(report)).toEqual([[ROOT, 'expired']]);
  });

  const [ours, other] = [KEY, OTHER_KEY].map(({ keyId }) => keyIdText(keyId)) as [string, string];
  const both = [OTHER_KEY.publicKey, KEY.publicKey];
  it.each<[string, Partial<WalkOptions>, boolean]>([
    ['an older version was accepted', { seen: { [MIRROR_ID]: { [ours]: NOW_SECONDS - 1 } } }, true],
    ['this version was accepted', { seen: { [MIRROR_ID]: { [ours]: NOW_SECONDS } } }, true],
    ['a newer version was accepted', { seen: { [MIRROR_ID]: { [ours]: NOW_SECONDS + 1 } } }, false],
    ['one of another mirror was', { seen: { '0123456789ABCDEF-1': { [ours]: NOW_SECONDS + 1 } } }, true],
    ['one by a key that is not trusted was', { seen: { [MIRROR_ID]: { [other]: 2 ** 53 - 1 } } }, true],
    ['one by a newer key was', { trusted: both, seen: { [MIRROR_ID]: { [other]: 1 } } }, false],
    [
      'one by an older key was',
      { trusted: both.toReversed(), seen: { [MIRROR_ID]: { [other]: 2 ** 53 - 1 } } },
      true,
    ],
  ])('when %s before, is a rollback or not', async (_, change, isAccepted) => {
    const report = await verify(signMirror(), change);
    expect(failuresOf(report)).toEqual(isAccepted ? [] : [[ROOT, 'rolled-back']]);
    expect(report.files.verified).toBe(10);
  });

  it('when another mirror was expected, reports that and still checks the files', async () => {
    expect((await verify(signMirror(), { mirror: MIRROR_ID })).ok).toBe(true);
    const report = await verify(signMirror(), { mirror: '0123456789ABCDEF-1' });
    expect(failuresOf(report)).toEqual([[ROOT, 'mismatch']]);
    expect(report.failures[0]).toMatchObject({ expected: '0123456789ABCDEF-1', found: MIRROR_ID });
    expect(report.files.verified).toBe(10);
  });

  it('when root and signature are both of another snapshot, its leaves are missing', async () => {
    const report = await verify(mixed(ROOT, signaturePath(ROOT)));
    expect(report.ok).toBe(false);
    expect(report.failures.find(({ path }) => path.startsWith('snapshot/leaves/'))?.state).toBe('missing');
  });
});
