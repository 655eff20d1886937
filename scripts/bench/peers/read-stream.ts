import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';

/** The least that serves a file with Node: `read-stream.ts FILE PORT`. */
const [file = '', port] = process.argv.slice(2);

createServer((_request, response) => createReadStream(file).pipe(response)).listen(Number(port), '127.0.0.1');
