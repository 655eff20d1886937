import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../builder/directory/lock.ts';

// Takes the lock of the folder in argv at a start time, and prints whether it was alone inside.
const [directory = '', marker = '', startAt = '0', stay = '30'] = process.argv.slice(2);
await sleep(Math.max(0, Number(startAt) - Date.now()));
try {
  await withLock(directory, new Date(), async () => {
    await writeFile(marker, '', { flag: 'wx' });
    process.stdout.write('inside ');
    await sleep(Number(stay));
    await rm(marker);
  });
  process.stdout.write('alone\n');
} catch (error) {
  const locked = error instanceof Error && 'code' in error && error.code === 'locked';
  process.stdout.write(locked ? 'locked\n' : `not alone: ${error}\n`);
}
