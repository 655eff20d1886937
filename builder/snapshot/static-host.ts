import { utf8 } from '../../format/bytes.ts';
import { brewEnvironment, stoutConfig } from '../../format/client-config.ts';
import { BREW_CONFIG, FRONT_PAGE, isForStaticHost, PUBLIC_KEY, STOUT_CONFIG } from '../../format/layout.ts';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Summary } from '../../format/summary.ts';
import { GENERATOR } from '../generator.ts';
import type { SnapshotSigning } from './sign.ts';
import type { Stage } from './stage.ts';

/**
 * Stages what a host that only sends files needs in place of the app's pages: the front page, the configuration of clients and
 * the public key, if the mirror was made for a public URL. They name the key and say how long signatures are valid, so they
 * are written with every signature.
 */
export async function stageStaticHost(
  stage: Stage,
  { key: { publicKey }, now, validFor }: SnapshotSigning,
  publicUrl: string | null,
  summary: Summary,
): Promise<void> {
  if (publicUrl === null) return;
  // Only these mirrors need the templates.
  const { staticFrontPage } = await import('../../pages/static.ts');
  const config = stoutConfig({ origin: publicUrl, publicKeys: [publicKey], validFor });
  const seconds = Math.floor(now.getTime() / 1000);
  const page = await staticFrontPage({
    ...{ publicUrl, summary, stoutConfig: config, publicKeys: [publicKey], signer: publicKey },
    ...{ created: new Date(seconds * 1000), expires: new Date((seconds + validFor) * 1000) },
    generator: GENERATOR,
  });
  await stage.put(FRONT_PAGE, utf8(page));
  await stage.put(STOUT_CONFIG, utf8(config));
  if (summary.homebrew_api !== undefined) await stage.put(BREW_CONFIG, utf8(brewEnvironment(publicUrl)));
  await stage.put(PUBLIC_KEY, utf8(formatPublicKey(publicKey)));
}

/**
 * Returns the paths of the files for static hosts that a mirror has so far and will not have. A file of the same name that it does
 * not list is not its own.
 */
export const staticFilesLeaving = (before: readonly SnapshotEntry[], { files }: Stage): string[] =>
  before.map(({ name }) => name).filter((name) => isForStaticHost(name) && !files.has(name));
