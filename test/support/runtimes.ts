import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pMap from 'p-map';
import { localPath } from '../../builder/directory/paths.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { textOf, utf8 } from '../../format/bytes.ts';
import { blobName, POINTER, ROOT, signaturePath } from '../../format/layout.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { hexOf, type SignedMirror } from '../format/support.ts';
import { TEST_KEY } from './keys.ts';
import { sharedFolder } from './temporary.ts';
import { startTestWorker, type TestWorker } from './worker.ts';

/** The serving app with a mirror in it, in one of its runtimes. */
export interface Running {
  origin: string;
  close(): Promise<void>;
}

export interface RunningOptions {
  /** MIRROR_TOKEN. */
  token?: string;
}

type Start = (mirror: SignedMirror, options?: RunningOptions) => Promise<Running>;

const folder = await sharedFolder();
let folders = 0;

async function startWorker(mirror: SignedMirror, { token }: RunningOptions = {}): Promise<Running> {
  const worker = await startTestWorker(token === undefined ? {} : { MIRROR_TOKEN: token });
  await putMirror(worker, mirror);
  return worker;
}

async function startServer(mirror: SignedMirror, { token }: RunningOptions = {}): Promise<Running> {
  const directory = join(folder, String(folders++));
  await writeMirror(directory, mirror);
  const where = { directory, host: '127.0.0.1', port: 0 };
  const trusted = [TEST_KEY.publicKey];
  return serveDirectory({ ...where, trusted, clock: () => new Date(), mirrorToken: token });
}

/** Both runtimes, for `describe.each`. */
export const RUNTIMES: [name: string, start: Start][] = [
  ['the Worker in workerd', startWorker],
  ['serve on Node', startServer],
];

/** Puts a mirror that was made in memory into a Worker's bucket, as a publisher would leave it. */
export async function putMirror(
  { binding }: Pick<TestWorker, 'binding'>,
  { files }: SignedMirror,
): Promise<void> {
  const blobs = new Map([...files.values()].map((bytes) => [hexOf('sha256', bytes), bytes]));
  const put = ([sha256, bytes]: [string, Uint8Array]) =>
    binding.put(blobName(sha256), new Uint8Array(bytes), { sha256 });
  await pMap(blobs, put, { concurrency: 32 });
  const root = files.get(ROOT) ?? utf8('');
  const signature = textOf(files.get(signaturePath(ROOT)) ?? utf8(''), ROOT);
  await binding.put(POINTER, new Uint8Array(encodeKept({ root, signature })));
}

/** Writes a mirror that was made in memory as a directory. */
export async function writeMirror(directory: string, { files }: SignedMirror): Promise<void> {
  for (const [path, bytes] of files) {
    const local = localPath(directory, path);
    await mkdir(dirname(local), { recursive: true });
    await writeFile(local, bytes);
  }
}
