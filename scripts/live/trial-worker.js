// The Worker of `npm run live` that shows what R2's binding reports and does. Only requests with its token are answered.
export default {
  async fetch(request, { MIRROR: bucket, TOKEN }) {
    if (request.headers.get('authorization') !== `Bearer ${TOKEN}`)
      return new Response(null, { status: 401 });
    const { searchParams } = new URL(request.url);
    const key = searchParams.get('key') ?? '';
    if (request.method === 'GET') return Response.json(record(await bucket.head(key)));
    const onlyIf = new Headers({ 'if-none-match': '*' });
    try {
      const stored = await bucket.put(key, request.body, { sha256: searchParams.get('sha256'), onlyIf });
      return Response.json(record(stored));
    } catch (error) {
      return Response.json({ error: error.message });
    }
  },
};

const record = (object) => object && { size: object.size, ...object.checksums.toJSON() };
