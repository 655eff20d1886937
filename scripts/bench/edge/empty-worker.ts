/** A Worker that does nothing. For `/work` it does a fixed piece of work: what a request takes is compared with it. */
export default {
  fetch(request: Request): Response {
    const isWork = new URL(request.url).pathname === '/work';
    return new Response(String(isWork ? parseAndEncode() : 0));
  },
};

function parseAndEncode(): number {
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, at) => ({ at, name: `name-${at}` })));
  let found = 0;
  for (let round = 0; round < 3; round++) found += (JSON.parse(text) as unknown[]).length;
  return found;
}
