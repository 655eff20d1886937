import { readFile } from 'node:fs/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

/** The least that Hono does on Node, the same bytes for every request: `bare-hono.ts FILE PORT`. */
const [file = '', port] = process.argv.slice(2);
const body = new Uint8Array(await readFile(file));

serve({
  fetch: new Hono().get('*', (context) => context.body(body)).fetch,
  port: Number(port),
  hostname: '127.0.0.1',
});
