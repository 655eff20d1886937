import { Command } from 'commander';
import type { Session } from './session.ts';

/**
 * Returns the hidden verb that the scripts of `completion` run: it prints what the last of the words before the cursor may
 * become, a candidate a line, with a tab before what it is for. It prints nothing where a file may follow, and never fails.
 */
export function completeCommand(session: Session, program: Command): Command {
  return new Command('complete')
    .summary('print what a word may become')
    .argument('[words...]', 'the words before the cursor')
    .action(async (words: string[]) => {
      const { completionsOf } = await import('./candidates.ts');
      const candidates = await completionsOf(program, words, session.environment.HOME);
      session.print(candidates.map(({ text, about }) => (about ? `${text}\t${about}` : text)));
    });
}
