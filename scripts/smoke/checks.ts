import { conditions, contentAddress, edgeCache, headAsGet, ifRange, ranges, whole } from './files.ts';
import type { Finding } from './finding.ts';
import type { RemoteMirror } from './mirror.ts';
import { changing, health, missing, packageUrls, page, recorded, tokens, verification } from './service.ts';

/** A check of something that is there, such as a deployed mirror. */
export interface Check<Subject = RemoteMirror> {
  name: string;
  run(subject: Subject): Promise<Finding>;
}

/** What a deployed mirror has to do as it is seen from outside. Each check is on its own. */
export const CHECKS: readonly Check[] = [
  { name: 'health', run: health },
  { name: 'token', run: tokens },
  { name: 'whole file', run: whole },
  { name: 'HEAD', run: headAsGet },
  { name: 'content address', run: contentAddress },
  { name: 'ranges', run: ranges },
  { name: 'conditions', run: conditions },
  { name: 'If-Range', run: ifRange },
  { name: 'Workers Cache', run: edgeCache },
  { name: 'what changes', run: changing },
  { name: 'package URLs', run: packageUrls },
  { name: 'what is not there', run: missing },
  { name: 'front page', run: page },
  { name: 'verification', run: verification },
  { name: 'SHA-256 in storage', run: recorded },
];

export type State = 'passed' | 'noted' | 'FAILED';

/** The state of a check, for the table and the exit status. */
export async function outcomeOf<Subject>(
  check: Check<Subject>,
  subject: Subject,
): Promise<[state: State, text: string]> {
  try {
    const finding = await check.run(subject);
    return typeof finding === 'string' ? ['passed', finding] : ['noted', finding.noted];
  } catch (error) {
    return ['FAILED', error instanceof Error ? error.message : String(error)];
  }
}
