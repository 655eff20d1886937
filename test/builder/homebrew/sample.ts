import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { inject } from 'vitest';
import type { CreateSummary } from '../../../builder/create.ts';
import type { MirrorRequest } from '../../../format/manifest.ts';
import { SAMPLE_KEY, signJws } from '../../../scripts/sample/homebrew/jws.ts';
import { type MirrorChanges, makeMirror, REQUEST } from '../../support/mirror.ts';

export const BREW_REQUEST: MirrorRequest = {
  ...REQUEST,
  ...{ packages: ['jq', 'wget'], casks: [], tags: ['arm64_sonoma', 'x86_64_linux'], vulnerabilities: false },
  clients: ['brew', 'stout'],
};

export interface BrewChanges extends Omit<MirrorChanges, 'upstream'> {
  /** The sample's folder or address; default is the shared one. */
  from?: string;
  /** Where stout-index is, when that is another place; `homebrew` for none. */
  upstream?: string;
}

/** Makes a mirror for brew (and stout) of the sample, whose API is signed with the sample's key. */
export function makeBrewMirror(directory: string, changes: BrewChanges = {}): Promise<CreateSummary> {
  const { from = inject('upstream'), upstream = from, request = BREW_REQUEST, ...rest } = changes;
  return makeMirror(directory, {
    request,
    upstream,
    origin: { homebrew: from, homebrewKey: SAMPLE_KEY },
    ...rest,
  });
}

/** A copy of the sample that a test may alter: with links, so a file is replaced, never written into. */
export async function copyOfSample(to: string): Promise<string> {
  const from = inject('upstream');
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const target = join(to, relative(from, entry.parentPath));
    await mkdir(target, { recursive: true });
    await link(join(entry.parentPath, entry.name), join(target, entry.name));
  }
  return to;
}

/** Replaces a file of a copied sample. */
export async function replace(sample: string, path: string, alter: (text: string) => string): Promise<void> {
  const local = join(sample, path);
  const text = await readFile(local, 'utf8');
  await rm(local);
  await writeFile(local, alter(text));
}

/** Alters the payload of a signed file and signs it anew, with the sample's key. */
export const resigned =
  // biome-ignore lint/suspicious/noExplicitAny: tests alter what they know to be there
    (alter: (payload: any) => void) =>
    (text: string): string => {
      const payload = JSON.parse(JSON.parse(text).payload);
      alter(payload);
      return signJws(JSON.stringify(payload));
    };

export const packagesFile = (tag: string): string => `api/internal/packages.${tag}.jws.json`;
