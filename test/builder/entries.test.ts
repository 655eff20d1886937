import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../builder/directory/hash.ts';
import { snapshotEntries } from '../../builder/snapshot/entries.ts';
import type { FileContent } from '../../builder/snapshot/stage.ts';
import { utf8 } from '../../format/bytes.ts';
import { blobName } from '../../format/layout.ts';
import { byName, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { checkAddresses } from '../../format/verify/addresses.ts';
import { ReportBuilder } from '../../format/verify/report.ts';

const GRACE = 7 * 24 * 60 * 60;
const NOW = 1_793_534_400;
const OLD = 'bottles/jq-1.all.bottle.tar.gz';
const NEW = 'bottles/jq-2.all.bottle.tar.gz';
const IMAGE = 'bottles/jq/manifests/1';
const contentOf = (text: string): FileContent => digestBytes(utf8(text));
const onDemand = (text: string): FileContent => ({
  sha256: contentOf(text).sha256,
  source: `https://ghcr.io/${text}`,
});
const addressOf = (text: string): string => blobName(contentOf(text).sha256);

/** Makes one snapshot after the other, each of these files at that time, and returns the last one's entries by name. */
function entriesAfter(
  ...states: [files: Record<string, FileContent>, now: number][]
): Map<string, SnapshotEntry> {
  let entries: SnapshotEntry[] = [];
  for (const [files, now] of states) {
    entries = snapshotEntries(new Map(Object.entries(files)), entries, now).sort(byName);
    const report = new ReportBuilder('deep', new Date(now * 1000));
    checkAddresses(entries, report);
    expect(report.build().failures).toEqual([]);
  }
  return new Map(entries.map((entry) => [entry.name, entry]));
}

const namesIn = (entries: ReadonlyMap<string, SnapshotEntry>): string[] => [...entries.keys()];

describe('the entries of a snapshot', () => {
  const a = contentOf('a');
  const b = contentOf('b');

  it('when files are new, are their names, and an address for each content that clients ask for', () => {
    const entries = entriesAfter([{ 'manifest.json': a, [OLD]: b, [NEW]: b, [IMAGE]: a }, NOW]);
    expect(namesIn(entries)).toEqual(
      [addressOf('b'), addressOf('a'), NEW, OLD, IMAGE, 'manifest.json'].sort(),
    );
    expect(entries.get(addressOf('b'))).toEqual({
      ...{ ...b, name: addressOf('b'), modified: NOW, path: OLD },
    });
    expect(entries.get(addressOf('a'))?.path).toBe(IMAGE);
    expect(entries.get(OLD)).toEqual({ ...b, name: OLD, modified: NOW });
  });

  it('when a content file goes, stay for a grace period that is never renewed; when a document goes, do not', () => {
    const first = { [OLD]: a, [IMAGE]: b, 'manifest.json': a, 'index/x': a };
    const states: Parameters<typeof entriesAfter> = [
      [first, NOW],
      [{ 'manifest.json': a }, NOW + 10],
      [{ 'manifest.json': a }, NOW + 10 + GRACE - 1],
    ];
    const entries = entriesAfter(...states);
    const kept = [OLD, IMAGE, addressOf('a'), addressOf('b')];
    expect(namesIn(entries)).toEqual([...kept, 'manifest.json'].sort());
    for (const name of kept)
      expect(entries.get(name)).toMatchObject({ until: NOW + 10 + GRACE, modified: NOW });
    expect(namesIn(entriesAfter(...states, [{ 'manifest.json': a }, NOW + 10 + GRACE]))).toEqual([
      'manifest.json',
    ]);
  });

  it('when a file comes back, is like any other, as old as it was', () => {
    const entries = entriesAfter(
      [{ [OLD]: a }, NOW],
      [{ [NEW]: b }, NOW + 10],
      [{ [OLD]: a, [NEW]: b }, NOW + 20],
    );
    expect(entries.get(OLD)).toEqual({ ...a, name: OLD, modified: NOW });
    expect(entries.get(addressOf('a'))?.until).toBeUndefined();
  });

  it('when other bytes take its path, neither the name nor its address promises the old ones', () => {
    const entries = entriesAfter([{ [OLD]: a }, NOW], [{ [OLD]: b }, NOW + 10]);
    expect(namesIn(entries)).toEqual([addressOf('b'), OLD].sort());
    expect(entries.get(OLD)).toEqual({ ...b, name: OLD, modified: NOW + 10 });
  });

  it('when other bytes take the path but another path has the old ones, their address leads there', () => {
    const entries = entriesAfter(
      [{ [OLD]: a, [NEW]: a }, NOW],
      [{ [OLD]: a, [NEW]: b }, NOW + 10],
      [{ [OLD]: b }, NOW + 20],
    );
    expect(entries.get(addressOf('a'))).toBeUndefined();
    expect(entries.get(NEW)).toMatchObject({ sha256: b.sha256, until: NOW + 20 + GRACE });
    expect(entries.get(addressOf('b'))).toMatchObject({ path: OLD });
    expect(entries.get(addressOf('b'))?.until).toBeUndefined();
  });

  it('when several superseded files have the same bytes, the address leads to the one that stays longest', () => {
    const entries = entriesAfter([{ [OLD]: a, [NEW]: a }, NOW], [{ [NEW]: a }, NOW + 10], [{}, NOW + 20]);
    expect(entries.get(OLD)?.until).toBe(NOW + 10 + GRACE);
    expect(entries.get(addressOf('a'))).toMatchObject({ path: NEW, until: NOW + 20 + GRACE });
  });

  it('when a file is on demand, its address leads to another that is not, if there is one', () => {
    const files = { [OLD]: onDemand('a'), [NEW]: a };
    expect(entriesAfter([files, NOW]).get(addressOf('a'))?.path).toBe(NEW);
    const entries = entriesAfter([files, NOW], [{ [OLD]: onDemand('a') }, NOW + 10]);
    expect(entries.get(addressOf('a'))).toEqual({
      ...{ ...onDemand('a'), name: addressOf('a'), modified: NOW, path: OLD },
    });
    const gone = entriesAfter([files, NOW], [{ [OLD]: onDemand('a') }, NOW + 10], [{}, NOW + 20]);
    expect(gone.get(OLD)).toMatchObject({ ...onDemand('a'), until: NOW + 20 + GRACE });
  });
});
