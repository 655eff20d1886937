import { parseMirrorUrl } from '../../builder/verify/mirror-url.ts';
import type { SnapshotId } from '../../format/layout.ts';
import { startServer } from '../builder/server.ts';

/** The address of an edge that finds everything in order in that snapshot, once `before` is done. */
export async function startContentEdge(
  { version, signer }: SnapshotId,
  before: () => Promise<unknown> = async () => undefined,
) {
  const files = { total: 1, checked: 1 };
  const report = { ok: true, snapshot: { version, signed_by: signer }, files, failures: [], cursor: null };
  const { origin } = await startServer((_request, response) => {
    void before().then(() => response.end(JSON.stringify(report)));
  });
  return parseMirrorUrl(origin);
}
