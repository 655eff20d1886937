import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import { gzip, payload } from './bytes.ts';
import type { CatalogCask } from './catalog.ts';
import { BUILT_AT } from './tab.ts';

/** A tar.gz of a program that says what it is, and a payload: the download of a cask that installs a program. */
export async function makeArchive({ token, version }: CatalogCask): Promise<Buffer> {
  const pack = tar.pack();
  const add = (name: string, mode: number, content: string | Buffer) =>
    pack.entry({ name, mode, mtime: BUILT_AT, uid: 0, gid: 0 }, content);
  add(token, 0o755, `#!/bin/sh\necho "${token} ${version}"\n`);
  add('payload', 0o644, payload(`${token}-${version}`));
  pack.finalize();
  return gzip(await buffer(pack));
}
