import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request and what was sent in response, once that has ended. */
export interface Exchange {
  /** `undefined` for bytes that are no request. */
  method: string | undefined;
  /** Path and query as the client sent them, without a scheme and host; `undefined` as `method`. */
  target: string | undefined;
  /** Of HTTP, such as `1.1`. */
  version: string;
  /** Address of the client, or of a proxy in front; `undefined` if it was gone at once. */
  remoteAddress: string | undefined;
  status: number;
  /** Bytes of content that were handed to the connection; 0 for a response whose turn on it never came. */
  bytes: number;
  /** Milliseconds from the end of the request's header to the last byte of the response. */
  ms: number;
  /** False if the response was cut off, by either side. */
  isWhole: boolean;
}

/** The part of an exchange that is known before there is a response. */
export type Asked = Pick<Exchange, 'method' | 'target' | 'version' | 'remoteAddress'>;

/** Returns the method, target and client of a request, as it came. */
export const askedBy = ({ method, url, httpVersion, socket }: IncomingMessage): Asked => ({
  method,
  // A host may have credentials before it. It may end the target: the path is then `/` (RFC 9110 section 4.2.3).
  target: url?.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*\/?/i, '/'),
  version: httpVersion,
  remoteAddress: plainAddress(socket.remoteAddress),
});

/** Returns the exchange of a request, or of other bytes, that Node's parser refused. */
export const refused = (socket: Socket, status: number, method?: string): Exchange => ({
  ...{ method, target: undefined, version: '1.1', remoteAddress: plainAddress(socket.remoteAddress) },
  ...{ status, bytes: 0, ms: 0, isWhole: true },
});

/** Returns an address; one of IPv4 without the prefix that it has at a socket for both kinds. */
export const plainAddress = (address: string | undefined): string | undefined =>
  address?.replace(/^::ffff:(?=\d+\.)/, '');

/** The response whose turn it is on each connection: a client may send further requests ahead, whose responses wait. */
const responses = new WeakMap<Socket, ServerResponse>();

/** Returns the response that is being sent, or is to be sent next, on a connection. */
export const responseOn = (socket: Socket): ServerResponse | undefined => responses.get(socket);

/** A response that counts the bytes of its content as it is given them: a stream in between would cost more than that. */
export class CountedResponse<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {
  #given = 0;
  #hadTurn = false;
  /** What the app is asked. */
  request: Request | undefined;

  /** Bytes of content that the connection was given. */
  get contentBytes(): number {
    return this.#hadTurn ? this.#given : 0;
  }

  override assignSocket(socket: Socket): void {
    this.#hadTurn = true;
    responses.set(socket, this);
    super.assignSocket(socket);
  }

  override detachSocket(socket: Socket): void {
    responses.delete(socket);
    super.detachSocket(socket);
  }

  override write(...args: unknown[]): boolean {
    this.#count(args);
    return Reflect.apply(super.write, this, args);
  }

  override end(...args: unknown[]): this {
    this.#count(args);
    return Reflect.apply(super.end, this, args);
  }

  #count([chunk, encoding]: unknown[]): void {
    // Node drops it, also once the connection is closed.
    if (this.req.method === 'HEAD' || this.destroyed || this.socket?.destroyed) return;
    if (chunk instanceof Uint8Array) this.#given += chunk.length;
    else if (typeof chunk === 'string') this.#given += Buffer.byteLength(chunk, encoding as BufferEncoding);
  }
}
