import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** A request that a client made, and the status that it got. */
export interface Exchange {
  method: string;
  url: string;
  headers: Record<string, string>;
  status: number;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Sending {
  method?: string;
  headers?: Record<string, string>;
  /** Bytes after which the connection is cut, as a bad network does. */
  cutAfter?: number;
}

/** Sends requests as command-line clients do: user information in a URL becomes Basic credentials. */
export class Transport {
  /** Everything that was sent, oldest first. */
  readonly exchanges: Exchange[] = [];
  readonly #ca: string | undefined;
  readonly #hosts: ReadonlyMap<string, string>;

  /**
   * `ca` is a certificate to trust, PEM. `hosts` says where an origin really is: a test has no public hosts. An origin
   * that is neither there nor on this machine is an error.
   */
  constructor({ ca, hosts = {} }: { ca?: string; hosts?: Record<string, string> } = {}) {
    this.#ca = ca;
    this.#hosts = new Map(Object.entries(hosts));
  }

  async send(text: string, { method = 'GET', headers = {}, cutAfter }: Sending = {}): Promise<Reply> {
    const url = new URL(text);
    const origin = this.#hosts.get(url.origin) ?? url.origin;
    if (!new URL(origin).hostname.startsWith('127.')) throw new Error(`${text} is not on this machine`);
    const target = new URL(origin);
    const user = decodeURIComponent(url.username);
    const auth = user === '' ? {} : { auth: `${user}:${decodeURIComponent(url.password)}` };
    const { hostname, port, protocol } = target;
    const path = url.pathname + url.search;
    const options = { hostname, port, path, method, headers, agent: false, ...auth };
    const request = protocol === 'https:' ? httpsRequest({ ...options, ca: this.#ca }) : httpRequest(options);
    const reply = await answerOf(request, cutAfter);
    this.exchanges.push({ method, url: text, headers, status: reply.status });
    return reply;
  }
}

function answerOf(request: ClientRequest, cutAfter = Number.POSITIVE_INFINITY): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      const done = (): void => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: Buffer.concat(chunks).subarray(0, cutAfter) });
      };
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < cutAfter) return;
        done();
        response.destroy();
      });
      response.on('error', reject);
      response.on('end', done);
    });
    request.end();
  });
}
