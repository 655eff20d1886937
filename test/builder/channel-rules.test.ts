import { describe, expect, test } from 'vitest';
import { describeChannel, historyAfter, notBefore } from '../../builder/channel-rules.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import { signRoot } from '../../format/snapshot/root.ts';
import { DAY, entryOf, GENERATOR, KEY, NOW, OTHER_KEY } from '../format/support.ts';

const { snapshot } = buildSnapshot({
  ...{ entries: [entryOf('a')], now: NOW, validFor: DAY, keyId: KEY.keyId, generator: GENERATOR },
});
const signedAs = (version: number, key = KEY, mirror = snapshot.mirror) =>
  signRoot({ ...snapshot, version, mirror }, key);
const signer = keyIdText(KEY.keyId);

describe('a channel', () => {
  test.each([
    ['same', 'the same snapshot', signedAs(5)],
    ['ahead', 'an older one', signedAs(4)],
    ['behind', 'a newer one', signedAs(6)],
    ['another-key', 'that of another key, which counts versions for itself', signedAs(5, OTHER_KEY)],
    ['another-mirror', 'another mirror', signedAs(5, KEY, `${'0'.repeat(16)}-1`)],
    [null, 'nothing', undefined],
  ])('is described as %s where current has %s', (expected, _name, current) => {
    const live = { ...signedAs(5), moved_at: 7, history: [] };
    expect(describeChannel('canary', live, current, NOW)).toMatchObject({
      ...{ name: 'canary', version: 5, signer, moved_at: '1970-01-01T00:00:07Z' },
      against_current: expected,
    });
  });

  test('remembers 999 of the kept snapshots that it had', () => {
    const history = Array.from({ length: 1500 }, (_, index) => ({
      ...{ snapshot: { version: 5000 - index, signer }, moved_at: 5000 - index },
    }));
    const kept = history.map((move) => move.snapshot).filter(({ version }) => version !== 4999);
    const after = historyAfter({ ...signedAs(6000), moved_at: 6000, history }, [
      ...kept,
      { version: 6000, signer },
    ]);
    expect(after.slice(0, 3).map((move) => move.snapshot.version)).toEqual([6000, 5000, 4998]);
    expect(after).toHaveLength(999);
  });

  test.each([
    [0, -100, undefined],
    [60, 59, '1970-01-01T00:01:40Z'],
    [60, 60, undefined],
  ])(
    'that must have its snapshot for %i s is promoted after %i s or not (%s)',
    (after, seconds, expected) => {
      expect(notBefore(40, after, new Date((40 + seconds) * 1000))).toBe(expected);
    },
  );
});
