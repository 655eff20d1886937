const MAGIC = 0xfd2fb528;
const MAX_BLOCK = 128 * 1024;

/**
 * Returns a Zstandard frame (RFC 8878) of raw blocks, which hold the bytes uncompressed. The same input gives the same
 * frame in every runtime and release. No compressor promises that.
 */
export function rawZstdFrame(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const blocks = Math.max(1, Math.ceil(content.length / MAX_BLOCK));
  const frame = new Uint8Array(9 + blocks * 3 + content.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, MAGIC, true);
  frame[4] = 0xa0; // single segment, content size in four bytes, no checksum, no dictionary
  view.setUint32(5, content.length, true);
  let at = 9;
  for (let block = 0; block < blocks; block++) {
    const bytes = content.subarray(block * MAX_BLOCK, (block + 1) * MAX_BLOCK);
    const header = (bytes.length << 3) | (block === blocks - 1 ? 1 : 0);
    frame.set([header & 0xff, (header >> 8) & 0xff, header >> 16], at);
    frame.set(bytes, at + 3);
    at += 3 + bytes.length;
  }
  return frame;
}
