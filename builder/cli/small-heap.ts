import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the heap of this process small. V8 expects a program that allocates much to go on for long: it lets the space for young
 * objects grow to 48 MiB, and the whole heap to four times what is in use. That space never shrinks while the program is busy.
 */
export function keepHeapSmall(): void {
  // With a small one, chunks of downloads are freed while they are still in the processor's cache.
  setFlagsFromString('--semi-space-growth-factor=1');
  // At most twice what is in use.
  setFlagsFromString('--heap-growing-percent=100');
}
