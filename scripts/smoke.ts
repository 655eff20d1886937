import { originOf } from '../format/origin.ts';
import { CHECKS, outcomeOf } from './smoke/checks.ts';
import { RemoteMirror } from './smoke/mirror.ts';

/**
 * `npm run smoke -- URL`: checks a deployed mirror from outside, without changing anything, and prints a table. Of a
 * private mirror MIRROR_TOKEN has to hold a token. Ends with 1 when a check fails. `noted` is what cannot be told here,
 * such as the cache of a Worker that runs locally.
 */
const [url] = process.argv.slice(2);
if (url === undefined) {
  console.error('usage: npm run smoke -- https://mirror.example.com');
  process.exit(2);
}

const mirror = new RemoteMirror(originOf(url), process.env.MIRROR_TOKEN || undefined);
console.log(`${mirror.origin}\n`);
for (const check of CHECKS) {
  const [state, text] = await outcomeOf(check, mirror);
  console.log(`${state.padEnd(7)} ${check.name.padEnd(28)} ${text}`);
  if (state === 'FAILED') process.exitCode = 1;
}
