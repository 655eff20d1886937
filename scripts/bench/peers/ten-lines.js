// The least that serves a bucket: what the Worker is measured against.
export default {
  async fetch(request, { MIRROR }) {
    const key = decodeURIComponent(new URL(request.url).pathname.slice(1));
    const object = await MIRROR.get(key, { range: request.headers });
    if (!object) return new Response('Not found', { status: 404 });
    const headers = { etag: object.httpEtag, 'accept-ranges': 'bytes' };
    return new Response(object.body, { status: request.headers.has('range') ? 206 : 200, headers });
  },
};
