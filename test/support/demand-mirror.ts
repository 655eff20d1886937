import type { IncomingMessage, ServerResponse } from 'node:http';
import { blobEntryOf, entryOf, hexOf, type SignedMirror, signMirror } from '../format/support.ts';

/** A file on demand of a test, whose bytes only its source has. */
export interface DemandFile {
  /** In the mirror. */
  path: string;
  /** At {@link HOST}. */
  sourcePath: string;
  bytes: Buffer;
  sha256: string;
}

export const HOST = 'files.upstream.test';
/** Where redirects may lead. */
export const CDN = 'cdn.upstream.test';

/** Makes bytes that are different for each seed, and that nothing compresses. */
function noise(seed: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = seed + 1;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** A signed mirror with files on demand: `count` bottles with a known size, and as many casks without. */
export function demandMirror(
  count: number,
  size = 100_000,
): { mirror: SignedMirror; bottles: DemandFile[]; casks: DemandFile[] } {
  const filesOf = (first: number, pathOf: (name: string) => string): DemandFile[] =>
    Array.from({ length: count }, (_, index) => {
      const bytes = noise(first + index, size);
      const name = `demand${index}-1.0`;
      return {
        path: pathOf(name),
        sourcePath: `/of/${first + index}`,
        bytes,
        sha256: hexOf('sha256', bytes),
      };
    });
  const bottles = filesOf(0, (name) => `bottles/${name}.sonoma.bottle.tar.gz`);
  const casks = filesOf(count, (name) => `casks/${name}.dmg`);
  const listed = ({ path, sourcePath, bytes }: DemandFile, host = HOST) =>
    [entryOf(path, bytes), blobEntryOf(path, bytes)].map((entry) => ({
      ...entry,
      source: `https://${host}${sourcePath}`,
    }));
  // Its host is where redirects may lead.
  const other = {
    path: 'casks/other-1.0.dmg',
    sourcePath: '/other',
    bytes: Buffer.from('other'),
    sha256: '',
  };
  const entries = [
    ...bottles.flatMap((file) => listed(file)),
    ...casks.flatMap((file) => listed(file)).map(({ size: _, md5: _md5, ...entry }) => entry),
    ...listed(other, CDN),
  ];
  return { mirror: signMirror({ now: new Date(), entries }), bottles, casks };
}

/** Answers as a source does that has these files. */
export const having =
  (files: readonly DemandFile[]) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const file = files.find(({ sourcePath }) => request.url === sourcePath);
    if (!file) response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': file.bytes.length }).end(file.bytes);
  };
