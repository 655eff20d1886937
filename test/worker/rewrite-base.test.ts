import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { packageJsonRepresentation } from '../../worker/representations.ts';
import { hexOf, signMirror } from '../format/support.ts';
import { entryIn, verifying } from './verification/support.ts';

const JQ = 'index/formulas/data/j/jq.json.zst';
const SHA256 = 'ab'.repeat(32);
const file = {
  url: 'https://upstream.example/x',
  sha256: SHA256,
  path: 'bottles/a+b-1.0.sonoma.bottle.tar.gz',
};
const STORED = zstdCompressSync(JSON.stringify({ name: 'jq', bottles: { sonoma: file } }));
const MIRROR = signMirror({ files: () => ({ [JQ]: STORED }) });

test.each(['https://mirror.example.com', 'https://mirror.example.com/channels/canary'])(
  'when the base is %s, URLs lead below it, and it is part of the entity tag (docs/format.md section 8)',
  async (base) => {
    const { store } = verifying({}, MIRROR);
    const { etag, body } = packageJsonRepresentation(store, entryIn(MIRROR, JQ), base);
    expect(etag).toBe(`"${hexOf('sha256', utf8(`${hexOf('sha256', STORED)} ${base} 2`))}"`);
    const { stream } = await body();
    const sent = JSON.parse(zstdDecompressSync(stream as Uint8Array).toString('utf8'));
    const url = `${base}/blobs/sha256/${SHA256}/a%2Bb-1.0.sonoma.bottle.tar.gz`;
    expect(sent).toEqual({ name: 'jq', bottles: { sonoma: { ...file, url } } });
  },
);
