import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import { isDiskFull } from '../directory/write.ts';
import { NAME, VERSION } from '../version.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { createCommand } from './create.ts';
import { HELP } from './help.ts';
import { infoCommand } from './info.ts';
import { keygenCommand } from './keygen.ts';
import { outdatedCommand } from './outdated.ts';
import { pruneCommand } from './prune.ts';
import { pruneBucketCommand } from './prune-bucket.ts';
import { publishCommand } from './publish.ts';
import { rollbackCommand } from './rollback.ts';
import { serveCommand } from './serve.ts';
import type { Session } from './session.ts';
import { signCommand } from './sign.ts';
import { snapshotsCommand } from './snapshots.ts';
import { printable } from './terminal.ts';
import { updateCommand } from './update.ts';
import { verifyCommand } from './verify.ts';

const FAILED = 1;
const WRONG_USAGE = 2;
const USAGE_CODES: readonly string[] = ['usage', 'unknown-package'];

const GROUPS = {
  'Make a mirror:': [createCommand, updateCommand, outdatedCommand, pruneCommand],
  'Check and sign it:': [verifyCommand, infoCommand, signCommand, keygenCommand],
  'Hand it out:': [serveCommand, configCommand],
  'Publish it to a bucket:': [publishCommand, rollbackCommand, snapshotsCommand, pruneBucketCommand],
  'Besides:': [completionCommand],
};

/** Runs one command line, without the program's name, and returns its exit status. Errors are printed, never thrown. */
export async function runProgram(argv: readonly string[], world: Omit<Session, 'fail'>): Promise<number> {
  let status = 0;
  const session: Session = {
    ...world,
    fail: (failed) => {
      status = failed;
    },
  };
  try {
    await programOf(session).parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    status = explain(error, session, argv.includes('--json'));
    return session.stopped() ?? status;
  }
}

function programOf(session: Session): Command {
  const program = new Command(NAME)
    .description('Signed, verifiable mirrors of Homebrew-style packages.')
    .version(VERSION)
    .exitOverride()
    .configureHelp(HELP)
    .configureOutput({ writeOut: session.print, writeErr: session.printError })
    .helpCommand(false);
  for (const [group, verbs] of Object.entries(GROUPS)) {
    for (const verb of verbs)
      program.addCommand(verb(session, program).copyInheritedSettings(program).helpGroup(group));
  }
  return program;
}

/** Prints what went wrong, with the evidence, and returns the exit status. */
function explain(error: unknown, session: Session, json: boolean): number {
  // Commander has printed its message; asking for help or the version ends with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
  const say = (line: string): void => session.printError(printable(line));
  if (isDiskFull(error)) {
    say(`stout-mirror: Disk full: ${(error as Error).message}`);
    say('  Make room and run the same command again: what was downloaded is kept.');
    return FAILED;
  }
  if (error instanceof Error && 'syscall' in error) {
    // A missing permission, for example: the system's words say it, a stack does not help.
    say(`stout-mirror: ${error.message}`);
    return FAILED;
  }
  if (!(error instanceof MirrorError)) {
    session.printError(inspect(error));
    return FAILED;
  }
  const { code, message, where, expected, found } = error;
  if (json)
    session.print(JSON.stringify({ ok: false, error: { code, message, where, expected, found } }, null, 2));
  say(`stout-mirror: ${message}`);
  if (expected !== undefined) say(`  expected: ${expected}`);
  if (found !== undefined) say(`  found:    ${found}`);
  return USAGE_CODES.includes(code) ? WRONG_USAGE : FAILED;
}
