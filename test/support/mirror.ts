import { cp } from 'node:fs/promises';
import { inject } from 'vitest';
import { type CreateOptions, type CreateSummary, createMirror } from '../../builder/create.ts';
import type { Asked, SaidRequest } from '../../builder/request/request.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { byKind } from '../../format/packages/kinds.ts';
import { TEST_KEY } from './keys.ts';
import { SILENT } from './silent.ts';
import { sharedFolder } from './temporary.ts';

export const THIRTY_DAYS = 30 * 24 * 60 * 60;

export const REQUEST: MirrorRequest = {
  packages: ['git', 'gtk+3', 'jq', 'openssl@3'],
  casks: ['firefox', 'visual-studio-code'],
  linux_apps: [],
  tags: ['arm64_sonoma', 'sonoma', 'x86_64_linux'],
  dependencies: true,
  dev_dependencies: true,
  vulnerabilities: true,
  all: false,
  full_index: false,
  unchecked: false,
  clients: ['stout'],
  portable_ruby: [],
  public_url: null,
};

/** How a test's mirror differs from the one that {@link makeMirror} makes. */
export interface MirrorChanges extends Partial<Omit<CreateOptions, 'asked'>>, Partial<Asked> {
  /** Folder or address of the upstream; default is the sample. */
  upstream?: string;
}

const cache = await sharedFolder();

/** Makes a mirror of the sample upstream in `directory`, signed with the test key, of exactly what is requested. */
export function makeMirror(
  directory: string,
  { upstream = inject('upstream'), request = REQUEST, ...changes }: MirrorChanges = {},
): Promise<CreateSummary> {
  const { named, extend = false, newest = 'all', force = 'none', origin, ...options } = changes;
  return createMirror({
    directory,
    asked: {
      ...{ request, named: named ?? namesIn(request), extend, newest, force },
      origin: { upstream, ...origin },
    },
    keepGoing: false,
    key: TEST_KEY,
    trusted: [],
    cache,
    now: new Date(),
    jobs: 8,
    reporter: SILENT,
    ...options,
  });
}

/** The names of a request, as somebody wrote them down. */
export const namesIn = (request: SaidRequest): Asked['named'] => byKind((kind) => request[kind.request]);

/** A copy of a mirror to do damage to. */
export const copyMirror = (from: string, to: string): Promise<void> => cp(from, to, { recursive: true });
