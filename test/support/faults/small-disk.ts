import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

const command = (file: string, ...args: string[]): boolean => spawnSync(file, args).status === 0;

/** A file system in memory of a few kilobytes. */
export interface SmallDisk {
  path: string;
  resize(kilobytes: number): void;
  /** Has it take no writes, or take them again. */
  readOnly(on: boolean): void;
  unmount(): void;
}

/** Mounts one at `path`; `undefined` where this user may not, so that the caller says so and goes on. */
export function mountSmallDisk(path: string, kilobytes: number): SmallDisk | undefined {
  mkdirSync(path, { recursive: true });
  if (!command('mount', '-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'stout-mirror-test', path))
    return undefined;
  return {
    path,
    resize: (size) => void command('mount', '-o', `remount,size=${size}k`, path),
    readOnly: (on) => void command('mount', '-o', `remount,${on ? 'ro' : 'rw'}`, path),
    unmount: () => void command('umount', path),
  };
}
