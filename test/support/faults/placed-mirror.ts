import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readContents } from '../../../builder/directory/mirror.ts';
import { localPath } from '../../../builder/directory/paths.ts';
import { parseMirrorUrl } from '../../../builder/verify/mirror-url.ts';
import { verifyDirectory } from '../../../builder/verify/verify-directory.ts';
import { verifyUrl } from '../../../builder/verify/verify-url.ts';
import { utf8 } from '../../../format/bytes.ts';
import { sha256Hex } from '../../../format/digest.ts';
import { MirrorError } from '../../../format/errors.ts';
import { blobName, leafPath, POINTER, ROOT, signaturePath } from '../../../format/layout.ts';
import { isOwnFile } from '../../../format/snapshot/entry.ts';
import { type SampleServer, startSampleServer } from '../../../scripts/sample/server.ts';
import { TEST_KEY } from '../keys.ts';
import { jsonOfReading, startReader } from '../reader.ts';
import { SILENT } from '../silent.ts';
import { startTestWorker, type TestWorker } from '../worker.ts';

/** Files of a mirror by their path; `undefined` for one that is not there. */
export type Files = ReadonlyMap<string, Uint8Array | undefined>;

const SIGNATURE = signaturePath(ROOT);

/** What a verification found, whoever made it. */
export interface Finding {
  ok: boolean;
  paths: string[];
}

/** A mirror in a folder, behind a static host, and in a bucket behind a Worker, to be damaged in all of them alike. */
export class PlacedMirror {
  /** Every file of the mirror as it was signed. */
  readonly files: Map<string, Uint8Array>;
  readonly worker: TestWorker;
  readonly #directory: string;
  readonly #host: SampleServer;
  /** SHA-256 by which the snapshot names a file. */
  readonly #named: ReadonlyMap<string, string>;

  private constructor(
    directory: string,
    files: Map<string, Uint8Array>,
    named: ReadonlyMap<string, string>,
    servers: { host: SampleServer; worker: TestWorker },
  ) {
    this.#directory = directory;
    this.files = files;
    this.#named = named;
    this.#host = servers.host;
    this.worker = servers.worker;
  }

  /** Publishes the mirror in a folder, and serves the folder. */
  static async open(directory: string): Promise<PlacedMirror> {
    const { entries = [], snapshot } = (await readContents(directory)) ?? {};
    const named = new Map([
      ...entries.filter(isOwnFile).map(({ name, sha256 }) => [name, sha256] as const),
      ...(snapshot?.leaves ?? []).map(({ sha256 }) => [leafPath(sha256), sha256] as const),
    ]);
    const files = new Map<string, Uint8Array>();
    for (const path of [...named.keys(), ROOT, SIGNATURE]) {
      files.set(path, await readFile(localPath(directory, path)));
    }
    const worker = await startTestWorker();
    await worker.publish(directory);
    return new PlacedMirror(directory, files, named, {
      host: await startSampleServer(directory, { port: 0 }),
      worker,
    });
  }

  async close(): Promise<void> {
    await this.#host.close();
    await this.worker.close();
  }

  /** Puts these files into the folder and the bucket, whatever the snapshot says. */
  async place(files: Files): Promise<void> {
    for (const [path, bytes] of files) {
      const local = localPath(this.#directory, path);
      await mkdir(dirname(local), { recursive: true });
      await (bytes ? writeFile(local, bytes) : rm(local, { force: true }));
      const sha256 = this.#named.get(path);
      if (sha256 !== undefined) await this.#put(blobName(sha256), bytes);
    }
    if (!files.has(ROOT) && !files.has(SIGNATURE)) return;
    const [root, signature] = [ROOT, SIGNATURE].map((path) =>
      files.has(path) ? files.get(path) : this.files.get(path),
    );
    const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');
    const pointer = { root: textOf(root), signature: textOf(signature) };
    await this.#put(POINTER, root && utf8(JSON.stringify(pointer)));
  }

  /** Puts the files back as they were signed. */
  restore = (files: Files): Promise<void> =>
    this.place(new Map([...files.keys()].map((path) => [path, this.files.get(path)])));

  /** What each of our verifications finds. */
  async verify(): Promise<Map<string, Finding>> {
    const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
    const mirror = parseMirrorUrl(this.#host.origin);
    const read = startReader(this.worker);
    return new Map([
      ['verify DIR', await findingOf(verifyDirectory(this.#directory, options))],
      ['verify URL', await findingOf(verifyUrl({ ...options, mirror, depth: 'deep', jobs: 8 }))],
      ['/verify', await findingOf(read('/verify').then(jsonOfReading))],
      ['/verify?deep=1', await findingOf(read('/verify?deep=1').then(jsonOfReading))],
    ]);
  }

  /** What the Worker serves that is not as it was signed; `asked` are the paths asked for. Empty when that is nothing. */
  async served(asked: Iterable<string>): Promise<string[]> {
    const read = startReader(this.worker);
    const wrong: string[] = [];
    for (const path of asked) {
      const { status, bytes } = await read(`/${path}?raw=1`);
      const signed = this.files.get(path);
      if (status === 200 && (!signed || !Buffer.from(bytes).equals(signed))) wrong.push(path);
    }
    return wrong;
  }

  async #put(key: string, bytes: Uint8Array | undefined): Promise<void> {
    const { binding } = this.worker;
    if (bytes) await binding.put(key, new Uint8Array(bytes), { sha256: sha256Hex(bytes) });
    else await binding.delete(key);
  }
}

/** Returns a report, or the error for something that is not a mirror, as a finding. */
async function findingOf(work: Promise<{ ok: boolean; failures: { path: string }[] }>): Promise<Finding> {
  try {
    const { ok, failures } = await work;
    return { ok, paths: failures.map(({ path }) => path) };
  } catch (error) {
    if (!(error instanceof MirrorError)) throw error;
    return { ok: false, paths: [ROOT] };
  }
}
