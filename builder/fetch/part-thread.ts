import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { DigestCounter } from '../directory/hash.ts';
import type { PartOrder, PartReply } from './part-writer.ts';

const BUFFER_SIZE = 1024 * 1024;

/** A part on this thread: what was written is hashed. */
interface Part {
  file: number;
  counter: DigestCounter;
}

const parts = new Map<number, Part>();

// Orders of one part come in their order; what fails is told once, by the order that met it.
parentPort?.on('message', (order: PartOrder) => {
  try {
    carryOut(order);
  } catch (error) {
    const { message, code, syscall, path } = error as NodeJS.ErrnoException;
    reply({ id: order.id, error: { message, code, syscall, path } });
  }
});

const reply = (message: PartReply, transfer: ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, transfer);

function carryOut(order: PartOrder): void {
  const { id } = order;
  if ('open' in order) {
    const part = openPart(order.open);
    parts.set(id, part);
    reply({ id, size: part.counter.size });
    return;
  }
  const part = parts.get(id);
  if ('act' in order && order.act === 'close') {
    parts.delete(id);
    reply({ id, closed: true });
    if (part) closeSync(part.file);
  } else if (!part) {
    // What could not be opened is told already.
  } else if ('bytes' in order) {
    write(part, order.bytes.subarray(0, order.length));
    reply({ id, bytes: order.bytes }, [order.bytes.buffer]);
  } else if (order.act === 'restart') {
    ftruncateSync(part.file, 0);
    part.counter = new DigestCounter();
  } else {
    fsyncSync(part.file);
    reply({ id, digest: part.counter.digest() });
  }
}

/** Opens or makes the file and hashes what is in it. */
function openPart(path: string): Part {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  const counter = new DigestCounter();
  const buffer = fstatSync(file).size > 0 ? Buffer.allocUnsafe(BUFFER_SIZE) : Buffer.alloc(0);
  for (let length = 1; length > 0; ) {
    length = readSync(file, buffer, 0, buffer.length, counter.size);
    counter.update(buffer.subarray(0, length));
  }
  return { file, counter };
}

function write({ file, counter }: Part, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(file, bytes, at, bytes.length - at, counter.size + at);
  }
  counter.update(bytes);
}
