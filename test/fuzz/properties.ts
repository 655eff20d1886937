import { minisignProperties } from './minisign.ts';
import { snapshotProperties } from './snapshot.ts';
import type { Effort } from './support.ts';

/** Everything that must hold of every parser, whatever it is given. */
export function allProperties(effort: Effort): void {
  minisignProperties(effort);
  snapshotProperties(effort);
}
