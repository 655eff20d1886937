import { ROOT, signaturePath } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { MAX_SIGNATURE } from '../../format/minisign/signature.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import { openRoot } from '../../format/snapshot/root.ts';
import { HttpClient } from '../http/client.ts';
import { readBody } from '../http/request.ts';
import { type MirrorUrl, mirrorFileUrl } from './mirror-url.ts';
import { expectNamed } from './served-place.ts';

/**
 * Returns for how many seconds the signature of a served mirror is valid, from when it was signed. Asks once. Throws as
 * {@link HttpClient.get} and {@link openRoot}.
 */
export async function servedValidity(
  { base, headers }: MirrorUrl,
  trusted: readonly PublicKey[],
): Promise<number> {
  const client = new HttpClient({ loopback: false, origin: new URL(base).origin });
  const read = async (path: string, limit: number): Promise<Uint8Array> => {
    const url = mirrorFileUrl(base, path);
    return readBody((await client.get(url, headers, limit)).body, limit, url.href);
  };
  const root = await read(ROOT, MAX_POINTER_SIZE);
  const signature = Buffer.from(await read(signaturePath(ROOT), MAX_SIGNATURE)).toString('utf8');
  expectNamed(base, { root, signature });
  const { snapshot } = openRoot({ root, signature }, trusted);
  return (Date.parse(snapshot.expires_at) - Date.parse(snapshot.created_at)) / 1000;
}
