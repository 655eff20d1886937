import { type Answer, chunksOf, send } from './request.ts';

const FIELDS = ['content-length', 'content-encoding', 'location', 'www-authenticate'];
/** Statuses whose responses have no body (Fetch standard, "null body status"). */
const NULL_BODY: readonly number[] = [204, 205, 304];

/**
 * Sends one GET to the source of a file on demand, at a public address only; follows no redirect and decodes no body. Throws as
 * {@link send}; the body throws as {@link chunksOf}.
 */
export const askSource = async (
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> =>
  responseOf(await send({ method: 'GET', url, headers: { ...headers }, publicOnly: true, signal }));

/** Returns an answer as a standard Response, with the fields that say what it is and what it leads to. */
export async function responseOf({ url, status, header, body }: Answer): Promise<Response> {
  const headers = FIELDS.flatMap((name): [string, string][] => {
    const value = header(name);
    return value === undefined ? [] : [[name, value]];
  });
  if (!NULL_BODY.includes(status)) return new Response(streamOf(body, url), { status, headers });
  await body.dump();
  return new Response(null, { status, headers });
}

/** Returns a body as a stream. Cancelling it lets go of the connection, even before anything was read. */
function streamOf(body: Answer['body'], url: URL): ReadableStream<Uint8Array> {
  const chunks = chunksOf(body, url.href);
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        await chunks.return(undefined);
        await body.dump();
      },
    },
    { highWaterMark: 0 },
  );
}
