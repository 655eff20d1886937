import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { MemoryBucket } from './memory-bucket.ts';

// A fresh process: loads the bundled Worker, asks it what the arguments say, and prints what each request took.
const [bundle = '', data = '', ...targets] = process.argv.slice(2);
const { objects, trusted } = deserialize(readFileSync(data)) as {
  objects: Map<string, Uint8Array>;
  trusted: string;
};
const bucket = new MemoryBucket(objects);
Object.assign(globalThis, { caches: {}, FixedLengthStream: TransformStream });
console.log = () => undefined;

const milliseconds = async (work: () => Promise<unknown>): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

// What Node loads of its own at the first use, workerd has in its binary.
await new Response(new Blob(['x']).stream(), { headers: new Headers({ etag: '"x"' }) }).arrayBuffer();
new Request('https://mirror.example.com/', { headers: { accept: '*/*' } }).headers.get('accept');
const pair = generateKeyPairSync('ed25519');
verify(null, Buffer.from('x'), pair.publicKey, sign(null, Buffer.from('x'), pair.privateKey));
createPublicKey({ key: pair.publicKey.export({ format: 'jwk' }), format: 'jwk' });
createHash('sha256').update('x').digest('hex');
crypto.randomUUID();
new Date().toUTCString();

// A fixed piece of work: what a request takes is compared with it, because a machine may be slow or busy.
let sum = 0;
const calibration = await milliseconds(async () => {
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, at) => ({ at, name: `name-${at}` })));
  for (let round = 0; round < 3; round++) sum += (JSON.parse(text) as unknown[]).length;
});

let worker:
  | { default: { fetch(request: Request, bindings: object, context: object): Promise<Response> } }
  | undefined;
const startUp = await milliseconds(async () => {
  worker = await import(bundle);
});
const context = { waitUntil: () => undefined, passThroughOnException: () => undefined };
const found = [];
for (const target of targets) {
  const [path = '', accept = '*/*'] = target.split('|');
  const before = bucket.operations;
  let status = 0;
  let bytes = 0;
  const cpu = await milliseconds(async () => {
    const request = new Request(`https://mirror.example.com${path}`, { headers: { accept } });
    const response = await worker?.default.fetch(request, { MIRROR: bucket, TRUSTED_KEYS: trusted }, context);
    status = response?.status ?? 0;
    bytes = (await response?.arrayBuffer())?.byteLength ?? 0;
  });
  found.push({ target, status, bytes, cpu, operations: bucket.operations - before });
}
process.stdout.write(`${JSON.stringify({ startUp, calibration, found, sum })}\n`);
