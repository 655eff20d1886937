import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as v from 'valibot';

/** A process as a lease names it. */
export const holderSchema = v.object({
  /** For people. */
  holder: v.string(),
  /** Where its process number means something: this boot of this machine, and the container. Linux only. */
  machine: v.optional(v.string()),
  pid: v.optional(v.number()),
});

export type Holder = v.InferOutput<typeof holderSchema>;

/** This process. */
export async function thisProcess(): Promise<Holder> {
  const { pid } = process;
  // Not the user: a container may run as one that has no name.
  const holder = `Process ${pid} on ${hostname()}`;
  const machine = await thisMachine();
  return machine === undefined ? { holder } : { holder, machine, pid };
}

/** True when a holder is known to run no more: it was a process of this machine, and there is none of its number. */
export async function isGone({ machine, pid }: Holder): Promise<boolean> {
  if (machine === undefined || pid === undefined || machine !== (await thisMachine())) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

async function thisMachine(): Promise<string | undefined> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}
