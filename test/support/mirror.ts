import { cp } from 'node:fs/promises';
import { inject } from 'vitest';
import { type CreateOptions, type CreateSummary, createMirror } from '../../builder/create/create.ts';
import { UpstreamLocation } from '../../builder/upstream/location.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { TEST_KEY } from './keys.ts';
import { SILENT } from './silent.ts';

export const THIRTY_DAYS = 30 * 24 * 60 * 60;

export const REQUEST: MirrorRequest = {
  packages: ['git', 'gtk+3', 'jq', 'openssl@3'],
  casks: ['firefox', 'visual-studio-code'],
  linux_apps: [],
  tags: ['arm64_sonoma', 'sonoma', 'x86_64_linux'],
  dependencies: true,
  dev_dependencies: true,
  vulnerabilities: true,
};

/** Makes a mirror of the sample upstream in `directory`, signed with the test key. */
export function makeMirror(directory: string, changes: Partial<CreateOptions> = {}): Promise<CreateSummary> {
  return createMirror({
    directory,
    request: REQUEST,
    upstream: UpstreamLocation.parse(inject('upstream')),
    key: TEST_KEY,
    trusted: [],
    now: new Date(),
    validFor: THIRTY_DAYS,
    jobs: 8,
    reporter: SILENT,
    ...changes,
  });
}

/** A copy of a mirror to do damage to. */
export const copyMirror = (from: string, to: string): Promise<void> => cp(from, to, { recursive: true });
