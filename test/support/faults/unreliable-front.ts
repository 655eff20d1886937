import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Random } from '../random.ts';

/** No request meets more troubles in a row: a client gives up after five. */
const MOST_IN_A_ROW = 3;

/** What a line and a busy server do to a request. */
const TROUBLES = [
  ...([
    'reset before the answer',
    'reset within the answer',
    'lost answer',
    '429 and seconds',
    '429 and a date',
  ] as const),
  ...(['500', '502', '503', '504'] as const),
] as const;
type Trouble = (typeof TROUBLES)[number];

/** An HTTP front of a server that lets some requests come to grief. */
export interface UnreliableFront {
  origin: string;
  /** How often each trouble was made. */
  troubles: Map<Trouble, number>;
  close(): void;
}

/** Passes requests on to `origin`, but gives `percent` of them trouble, as `random` draws; connections end at random offsets. */
export async function startUnreliableFront(
  origin: string,
  random: Random,
  percent: number,
): Promise<UnreliableFront> {
  const troubles = new Map<Trouble, number>();
  const inARow = new Map<string, number>();
  const server = createServer((incoming, outgoing) => {
    outgoing.on('error', () => undefined);
    const key = `${incoming.method} ${incoming.url}`;
    const before = inARow.get(key) ?? 0;
    const [first, ...others] = TROUBLES;
    const trouble =
      before < MOST_IN_A_ROW && random.chance(percent) ? random.pick([first, ...others]) : undefined;
    inARow.set(key, trouble ? before + 1 : 0);
    if (trouble) troubles.set(trouble, (troubles.get(trouble) ?? 0) + 1);
    void meet(origin, { incoming, outgoing, random }, trouble).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${port}`, troubles, close };
}

interface Exchange {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  random: Random;
}

async function meet(origin: string, exchange: Exchange, trouble: Trouble | undefined): Promise<void> {
  const { incoming, outgoing } = exchange;
  if (trouble === 'reset before the answer') {
    incoming.socket.resetAndDestroy();
    return;
  }
  if (trouble === undefined || trouble.includes('answer')) return passOn(origin, exchange, trouble);
  const busy = trouble.startsWith('429');
  const wait = trouble === '429 and a date' ? new Date(Date.now() + 1000).toUTCString() : '1';
  incoming.resume();
  outgoing.writeHead(Number(trouble.slice(0, 3)), busy ? { 'retry-after': wait } : {}).end('trouble');
}

async function passOn(
  origin: string,
  { incoming, outgoing, random }: Exchange,
  trouble?: Trouble,
): Promise<void> {
  const { hostname, port } = new URL(origin);
  const { method, url: path, headers } = incoming;
  // The host stays as it was signed.
  const onward = request({ hostname, port, method, path, headers });
  incoming.pipe(onward);
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  if (trouble === undefined) {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
    return;
  }
  const bytes = Buffer.concat(await Array.fromAsync(answer));
  if (trouble === 'lost answer') {
    outgoing.writeHead(500).end();
    return;
  }
  outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'content-length': bytes.length });
  outgoing.write(bytes.subarray(0, random.below(bytes.length + 1)), () =>
    setTimeout(() => outgoing.socket?.resetAndDestroy(), 5),
  );
}
