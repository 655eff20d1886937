import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { StoredRecord } from '../../../format/store.ts';
import { RecordTable } from '../../../worker/record-table.ts';
import type { Row } from '../row.ts';

const OBJECTS = 300_000;
const PAGE = 1000;
const MIB = 1024 * 1024;
const REACH = 32;

type Listed = readonly [name: string, record: StoredRecord];

export const isolateMemory: Row = {
  name: 'memory of an isolate',
  work: `what storage recorded of ${OBJECTS.toLocaleString('en')} objects, kept for verification`,
  peer: 'a Map of the same records as objects',
  reach: `at most ${REACH} MiB`,
  needs: [],
  run: async () => {
    const ours = heldBy(() => {
      const table = new RecordTable();
      for (const page of pages()) table.add(page);
      return table;
    });
    const peer = heldBy(() => new Map([...pages()].flat()));
    return [
      {
        ours: `${Math.round(ours)} MiB`,
        peer: `${Math.round(peer)} MiB`,
        found: `${(ours / peer).toFixed(2)} of its memory`,
        reached: ours <= REACH,
      },
    ];
  },
};

/** Returns how much memory a value keeps, MiB. */
function heldBy(make: () => object): number {
  const before = held();
  const value = make();
  const after = held();
  // Used once more, so that it is not collected before.
  return value ? (after - before) / MIB : 0;
}

function held(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Yields objects as storage lists them: by name, a thousand at a time. */
function* pages(): Generator<Listed[]> {
  for (let from = 0; from < OBJECTS; from += PAGE) {
    yield Array.from({ length: PAGE }, (_, index) => {
      const at = from + index;
      const digest = createHash('sha256').update(String(at)).digest('hex');
      const name = at.toString(16).padStart(8, '0') + digest.slice(8);
      return [name, { size: at, sha256: name, md5: digest.slice(0, 32) }] as const;
    });
  }
}
