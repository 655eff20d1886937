import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** The field in which the routes of tests name the host that was asked. */
export const ASKED_HOST = 'x-asked-host';

/** A request that reached the source. */
export interface Asked {
  host: string;
  /** Path and query. */
  path: string;
  authorization: string | undefined;
}

/** Answers one request; `request.headers` has the host at {@link ASKED_HOST}. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** All hosts that files on demand come from, in one server. */
export interface SourceServer {
  origin: string;
  /** What was asked so far. */
  asked: Asked[];
  /** Answers every request. */
  answer: Answering;
  /** The most requests that were being answered at once. */
  most: number;
  close(): void;
}

/** Starts a server that answers with a 404 until the test says otherwise. */
export async function startSource(): Promise<SourceServer> {
  let active = 0;
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    active += 1;
    source.most = Math.max(source.most, active);
    response.on('close', () => {
      active -= 1;
    });
    const { headers, url: path = '' } = request;
    source.asked.push({ host: `${headers[ASKED_HOST]}`, path, authorization: headers.authorization });
    source.answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const source: SourceServer = {
    origin: `http://127.0.0.1:${port}`,
    asked: [],
    answer: (_, response) => response.writeHead(404).end(),
    most: 0,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return source;
}
