import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import { measureMirror, type Usage } from './measure.ts';
import type { Place } from './row.ts';
import { writeBenchUpstream } from './upstream.ts';

/** A mirror that was made for a row. */
export interface BenchMirror {
  directory: string;
  /** Line of the key that signed it. */
  publicKey: string;
  /** What making it took. */
  made: Usage;
}

/** Makes a mirror of so many formulas, each with one bottle of so many bytes. */
export async function makeBenchMirror(
  { folder, environment }: Place,
  formulas: number,
  bottleBytes: number,
): Promise<BenchMirror> {
  const [upstream, directory] = [join(folder, `upstream-${formulas}`), join(folder, `mirror-${formulas}`)];
  await writeBenchUpstream(upstream, { formulas, casks: 0, bottleBytes: () => bottleBytes });
  const made = await measureMirror(
    ['create', directory, '--all', '--platforms', 'x86_64_linux', '--upstream', upstream],
    environment,
  );
  const text = await readFile(join(environment.HOME, '.config/stout-mirror/mirror.pub'), 'utf8');
  return { directory, made, publicKey: publicKeyLine(parsePublicKey(text, 'mirror.pub')) };
}

/** Where the mirror has the bottle of a formula of {@link makeBenchMirror}. */
export const bottleOf = (formula: string): string => `bottles/${formula}-1.0.0.x86_64_linux.bottle.tar.gz`;
