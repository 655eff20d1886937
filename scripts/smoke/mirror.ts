import type { MirrorUrl } from '../../builder/verify/mirror-url.ts';
import { messageOf } from '../../format/errors.ts';

const TIMEOUT_MS = 60_000;

/** An answer, read to its end. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/** A file of the mirror that checks are made with. */
export interface SampleFile {
  /** From the top, with a leading slash. */
  path: string;
  size: number;
  sha256: string;
}

/** A mirror on the other side of a network. */
export class RemoteMirror {
  readonly origin: string;
  /** True when there is a token to ask with. */
  readonly isPrivate: boolean;
  readonly #credentials: Record<string, string>;

  constructor({ base, headers }: MirrorUrl) {
    this.origin = base;
    this.isPrivate = Object.keys(headers).length > 0;
    this.#credentials = headers;
  }

  /** True when anybody answers at all. */
  async isThere(): Promise<boolean> {
    return this.ask('/api/v1/health', {}, 'HEAD').then(
      () => true,
      () => false,
    );
  }

  /** Asks with the token, where there is one. Redirects are answers too. Throws where nobody answers. */
  async ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    const response = await fetch(new URL(path, this.origin), {
      method,
      headers: { ...this.#credentials, ...headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: Error) => {
      // The message is only ever `fetch failed`; its cause has the reason.
      throw new Error(`no answer: ${messageOf(error.cause ?? error)}`);
    });
    const body = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, body };
  }

  async json<T>(path: string): Promise<T> {
    const { status, body } = await this.ask(path, { accept: 'application/json' });
    const text = new TextDecoder().decode(body);
    if (status === 200) return JSON.parse(text);
    const [, reason] = /"detail": "(.+)"/.exec(text) ?? /"status": "(.+)"/.exec(text) ?? [];
    throw new Error(`${path} answered ${status}${reason === undefined ? '' : `: ${reason}`}`);
  }

  /** The smallest file of the first folder that has any. */
  async sampleFile(folders: readonly string[]): Promise<SampleFile> {
    for (const folder of folders) {
      const { status } = await this.ask(folder, { accept: 'application/json' }, 'HEAD');
      if (status === 404) continue;
      const { entries } = await this.json<Listing>(folder);
      const files = entries.filter((entry) => entry.type === 'file' && entry.size >= 20);
      const [file] = files.sort((a, b) => a.size - b.size);
      if (file) return { path: folder + encodeURIComponent(file.name), size: file.size, sha256: file.sha256 };
    }
    throw new Error(`there is no file in ${folders.join(', ')}`);
  }
}

interface Listing {
  entries: { name: string; type: string; size: number; sha256: string }[];
}
