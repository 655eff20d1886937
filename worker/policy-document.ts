import { POLICY } from '../format/layout.ts';
import { NO_DECISIONS, type PolicyDocument, parsePolicyDocument } from '../format/policy.ts';
import type { Services } from './context.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { ReadOnce } from './read-once.ts';
import { blameStorage, readStored } from './storage-check.ts';

/** Bytes of the longest policy.json that a page reads: parsing it takes time of which the edge has little. */
const MAX_SHOWN = 256 * 1024;

const documents = new ReadOnce<{ document: PolicyDocument | undefined }>();

/**
 * Returns what a policy decided about a snapshot, for a page; `undefined` where that is too long for one. Throws `missing` or
 * `mismatch`.
 */
export const shownPolicy = async (
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  live: LiveSnapshot,
): Promise<PolicyDocument | undefined> => {
  const { document } = await documents.get(live, clock, async () => {
    const entry = await live.find(POLICY);
    if (!entry) return { document: NO_DECISIONS };
    if ((entry.size ?? 0) > MAX_SHOWN) return { document: undefined };
    return { document: await readStored(store, entry).then(parsePolicyDocument).catch(blameStorage) };
  });
  return document;
};
