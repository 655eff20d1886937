import { parseMirrorUrl } from '../builder/verify/mirror-url.ts';
import { messageOf } from '../format/errors.ts';
import { CHECKS, outcomeOf } from './smoke/checks.ts';
import { RemoteMirror } from './smoke/mirror.ts';

/**
 * `npm run smoke -- URL`: checks a deployed mirror from outside, without changing anything, and prints a table. The
 * address of a private mirror contains its token: `https://user:TOKEN@host`. Ends with 1 when a check fails. A check is
 * `noted` when it cannot be made here, such as of the cache of a Worker that runs locally.
 */
const mirror = mirrorAt(process.argv[2]);
console.log(`${mirror.origin}\n`);
// When the host does not answer, one line says why; fifteen would say no more.
const checks = (await mirror.isThere()) ? CHECKS : CHECKS.slice(0, 1);
const count = { passed: 0, noted: 0, FAILED: 0 };
for (const check of checks) {
  const [state, text] = await outcomeOf(check, mirror);
  count[state] += 1;
  console.log(`${state.padEnd(7)} ${check.name.padEnd(19)} ${text}`);
}
console.log(`\n${count.passed} passed, ${count.noted} noted, ${count.FAILED} failed`);
if (count.FAILED > 0) process.exitCode = 1;

function mirrorAt(url: string | undefined): RemoteMirror {
  try {
    return new RemoteMirror(parseMirrorUrl(url ?? ''));
  } catch (error) {
    if (url !== undefined) console.error(messageOf(error));
    console.error('usage: npm run smoke -- https://mirror.example.com');
    process.exit(2);
  }
}
