import { documentProperties } from './documents.ts';
import { httpProperties } from './http.ts';
import { layoutProperties } from './layout.ts';
import { minisignProperties } from './minisign.ts';
import { requestProperties } from './requests.ts';
import { snapshotProperties } from './snapshot.ts';
import type { Effort } from './support.ts';
import { tomlProperties } from './toml.ts';
import { upstreamProperties } from './upstream.ts';

/** Everything that must hold of every parser, whatever it is given. */
export function allProperties(effort: Effort): void {
  minisignProperties(effort);
  snapshotProperties(effort);
  documentProperties(effort);
  layoutProperties(effort);
  httpProperties(effort);
  requestProperties(effort);
  upstreamProperties(effort);
  tomlProperties(effort);
}
