import { connect } from 'node:net';

/** What a server sent on a connection until it closed it, byte for byte; header names in lower case. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  /** Everything after the empty line, transfer coding and all. */
  rest: Buffer;
}

export interface RawRequest {
  method: string;
  /** The request target exactly as it goes out, sane or not. */
  target: string;
  headers?: Readonly<Record<string, string>>;
}

/**
 * Sends a request that no HTTP client would, and reads what no HTTP client shows, such as a body after a 304. Characters
 * go out as one byte each.
 */
export function sendRaw(origin: string, { method, target, headers = {} }: RawRequest): Promise<RawAnswer> {
  const fields = Object.entries({ host: new URL(origin).host, connection: 'close', ...headers });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return sendText(origin, `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
}

/** Sends these characters and nothing else, and reads until the server closes the connection. */
export function sendText(origin: string, head: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(head, 'latin1'));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => resolve(parse(Buffer.concat(chunks))));
  });
}

function parse(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  const [line = '', ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = fields.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
  });
  return {
    status: Number(line.split(' ')[1]),
    headers: Object.fromEntries(headers),
    rest: bytes.subarray(end + 4),
  };
}
