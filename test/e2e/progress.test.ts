import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { needs } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { openTerminal } from '../support/terminal.ts';

const TERMINAL = fileURLToPath(new URL('../../builder/cli/terminal.ts', import.meta.url));

/** Draws a line, waits until the terminal has been resized, draws it again, and ends with a note. */
const SCRIPT = `
import { standardError, TerminalReporter } from ${JSON.stringify(TERMINAL)};
let now = 10_000;
const reporter = new TerminalReporter(standardError(process.env), () => now);
const draw = (done) => reporter.progress({ label: 'Fetching packages', done, total: 9, bytes: 5e6, totalBytes: 9e6 });
for (const text of ['one', 'two', 'three']) reporter.note(text);
draw(1);
process.once('SIGWINCH', () => {
  now += 5_000;
  draw(2);
  reporter.note('ended');
});
setTimeout(() => undefined, 20_000);
`;

test.each([40, 30, 120])(
  'a terminal that is resized to %i columns shows one line of progress',
  needs('tmux'),
  async (columns) => {
    const script = join(await temporaryFolder(), 'draw.mts');
    await writeFile(script, SCRIPT);
    const terminal = await openTerminal(`'${process.execPath}' '${script}'`);
    const before = await terminal.shown(/1\/9/);
    expect(before[3]).toMatch(/^Fetching packages +[━·]{22} 1\/9 {2}5.0 MB of 9.0 MB$/);
    await terminal.resize(columns);
    expect(await terminal.shown(/^ended/)).toEqual([
      ...['one', 'two', 'three'],
      expect.stringMatching(/^Fetching packages +(?:[━·]+ )?2\/9/),
      'ended',
    ]);
  },
);
