import { type IncomingHttpHeaders, request } from 'node:http';

/** An answer whole, headers as they came. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Sends exactly this method, path and headers: no client in between that tidies them up. */
export function send(
  origin: string,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** The JSON of an answer. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect and fail when it is not there
export const jsonOf = (answer: Answer): any => JSON.parse(answer.body.toString('utf8'));

/** Status and headers that say something of the resource, not of the connection or the moment. */
export function lasting({ status, headers }: Answer): object {
  const momentary = ['date', 'connection', 'keep-alive', 'server-timing', 'x-request-id'];
  const rest = Object.entries(headers).filter(([name]) => !momentary.includes(name));
  return { status, ...Object.fromEntries(rest) };
}
