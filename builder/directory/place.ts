import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename } from 'node:path';

/**
 * Gives a file a second name, in place of what has that name. By a link rather than a move: two paths may have the same bytes,
 * and the step must be repeatable.
 */
export function putInPlace(source: string, target: string): void {
  if (isLinked(source, target)) return;
  // The target exists, or the file system has no links.
  const temporary = `${target}.${basename(source).slice(0, 12)}.tmp`;
  rmSync(temporary, { force: true });
  if (!isLinked(source, temporary)) copyDurably(source, temporary);
  renameSync(temporary, target);
  rmSync(temporary, { force: true }); // renaming a file onto its own second link leaves both
}

function isLinked(source: string, target: string): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch {
    return false;
  }
}

/** Copies a file and syncs it, for file systems without links, such as a USB stick's. */
function copyDurably(source: string, target: string): void {
  copyFileSync(source, target, constants.COPYFILE_EXCL);
  const file = openSync(target, 'r');
  fsyncSync(file);
  closeSync(file);
}
