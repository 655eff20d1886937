import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { incomingDirectory } from '../directory/paths.ts';
import { stageSignature } from '../snapshot/renew.ts';
import type { SnapshotSigning } from '../snapshot/sign.ts';
import type { Stage } from '../snapshot/stage.ts';

/** What writing the index takes. */
export interface IndexContext extends SnapshotSigning {
  directory: string;
  stage: Stage;
  /** Base of package URLs, without a trailing slash; `null` for the upstream's URLs. */
  publicUrl: string | null;
  /** Called after each package that is described. */
  onPackage: () => void;
}

/** Stages a database that `write` makes, with its signature, and returns its bytes. */
export async function stageSignedDatabase(
  context: IndexContext,
  path: string,
  write: (local: string) => void,
): Promise<Uint8Array> {
  const incoming = incomingDirectory(context.directory);
  const local = join(incoming, `${path.replaceAll('/', '-')}.new`);
  await mkdir(incoming, { recursive: true });
  write(local);
  const bytes = await readFile(local);
  await rm(local);
  await context.stage.put(path, bytes);
  await stageSignature(context.stage, path, createHash('blake2b512').update(bytes).digest(), context);
  return bytes;
}
