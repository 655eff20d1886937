import { createHash } from 'node:crypto';

/** A bucket in memory that answers as R2 does to the few calls that the Worker makes, and counts them. */
export class MemoryBucket {
  readonly #objects: ReadonlyMap<string, Uint8Array>;
  readonly #names: string[];
  operations = 0;

  constructor(objects: ReadonlyMap<string, Uint8Array>) {
    this.#objects = objects;
    this.#names = [...objects.keys()].sort();
    // Storage knows the checksums: computing them is not the Worker's work.
    for (const [key, bytes] of objects) this.#record(key, bytes);
  }

  readonly #records = new Map<string, object>();

  #record(key: string, bytes: Uint8Array): object {
    const known = this.#records.get(key);
    if (known) return known;
    const sum = (algorithm: string): ArrayBuffer => {
      const digest = new Uint8Array(createHash(algorithm).update(bytes).digest());
      return digest.buffer;
    };
    const record = {
      ...{ key, size: bytes.length, uploaded: new Date('2026-11-01T12:00:00Z') },
      checksums: { sha256: sum('sha256'), md5: sum('md5') },
    };
    this.#records.set(key, record);
    return record;
  }

  async head(key: string): Promise<object | null> {
    this.operations += 1;
    const bytes = this.#objects.get(key);
    return bytes ? this.#record(key, bytes) : null;
  }

  async get(
    key: string,
    options: { range?: { offset: number; length: number } } = {},
  ): Promise<object | null> {
    this.operations += 1;
    const whole = this.#objects.get(key);
    if (!whole) return null;
    const { offset = 0, length = whole.length } = options.range ?? {};
    const bytes = whole.slice(offset, offset + length);
    return {
      ...this.#record(key, whole),
      arrayBuffer: async () => bytes.buffer,
      get body() {
        return new ReadableStream({
          start(controller) {
            controller.enqueue(bytes);
            controller.close();
          },
        });
      },
    };
  }

  async list({ prefix, cursor = '' }: { prefix: string; cursor?: string }): Promise<object> {
    this.operations += 1;
    const names = this.#names.filter((name) => name.startsWith(prefix) && name > cursor);
    const page = names.slice(0, 1000);
    const objects = page.map((name) => this.#record(name, this.#objects.get(name) ?? new Uint8Array()));
    return { objects, truncated: page.length < names.length, cursor: page.at(-1) };
  }
}
