import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { diskError } from '../directory/disk-error.ts';
import { NAME, VERSION } from '../version.ts';
import { bundleCommand } from './bundle.ts';
import { channelsCommand } from './channels.ts';
import { completeCommand } from './complete.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { createCommand } from './create.ts';
import { diffCommand } from './diff.ts';
import { doctorCommand } from './doctor.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { fillCommand } from './fill.ts';
import { HELP, withHelp } from './help.ts';
import { infoCommand } from './info.ts';
import { initCommand } from './init.ts';
import { keygenCommand } from './keygen.ts';
import { type FileUse, withMirrorFile } from './mirror-file.ts';
import { outdatedCommand } from './outdated.ts';
import { pinCommand } from './pin.ts';
import { promoteCommand } from './promote.ts';
import { pruneCommand } from './prune.ts';
import { pruneBucketCommand } from './prune-bucket.ts';
import { publishCommand } from './publish.ts';
import { pullCommand } from './pull.ts';
import { rollbackCommand } from './rollback.ts';
import { sbomCommand } from './sbom.ts';
import { serveCommand } from './serve.ts';
import type { Session } from './session.ts';
import { signCommand } from './sign.ts';
import { snapshotsCommand } from './snapshots.ts';
import { linesOf } from './terminal.ts';
import { unbundleCommand } from './unbundle.ts';
import { updateCommand } from './update.ts';
import { verifyCommand } from './verify.ts';
import { whyCommand } from './why.ts';
import { withdrawCommand } from './withdraw.ts';

/** Messages with a list have each item on a line of its own, indented. Other line breaks are foreign text. */
const LIST_BREAK = /\n(?= {2})/;

const GROUPS = {
  'Make a mirror:': [
    initCommand,
    createCommand,
    updateCommand,
    outdatedCommand,
    fillCommand,
    pruneCommand,
    withdrawCommand,
  ],
  'Check and sign it:': [
    verifyCommand,
    infoCommand,
    whyCommand,
    diffCommand,
    doctorCommand,
    sbomCommand,
    signCommand,
    keygenCommand,
  ],
  'Hand it out:': [serveCommand, configCommand],
  'Carry it:': [bundleCommand, unbundleCommand],
  'Publish it to a bucket:': [
    publishCommand,
    pullCommand,
    promoteCommand,
    channelsCommand,
    rollbackCommand,
    snapshotsCommand,
    pinCommand,
    pruneBucketCommand,
  ],
  'Other:': [completionCommand],
};

/** Verbs that are about no mirror, and have no use for its file. */
const WITHOUT_MIRROR: readonly unknown[] = [initCommand, keygenCommand, completionCommand];

/** Verbs that take something else from that file than others do. */
const FILE_USES: ReadonlyMap<unknown, FileUse> = new Map([
  [doctorCommand, { folder: 'optional' }],
  [fillCommand, { folder: 'optional', bucket: 'on request' }],
  [diffCommand, { bucket: 'on request' }],
]);

const EXIT_CODES = `Exit codes:
  0 done; 1 damage, refusal or failure; 2 wrong usage; 3 expired, rolled back;
  4 unreachable; 130, 143 stopped. Of several causes: 1 before 3 before 4.
  1 also from why if a package is absent, and from --exit-code if things differ.`;

/** Runs one command line, without the program's name, and returns its exit status. Errors are printed, never thrown. */
export async function runProgram(argv: readonly string[], world: Omit<Session, 'fail'>): Promise<number> {
  let status = 0;
  const session: Session = {
    ...world,
    fail: (exitCode) => {
      status = exitCode;
    },
    printJson: (document, exitCode = EXIT.done) => {
      status = exitCode;
      world.printJson({ exit_code: exitCode, ...document });
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
    .configureOutput({
      writeOut: (text) => session.print(linesOf(text)),
      writeErr: (text) => session.printError(linesOf(text)),
      // A hint may follow; another line would be of the argument that it quotes.
      outputError: (text) => session.printError(text.trimEnd().split(/\n(?=\(Did you mean )/)),
    })
    .helpCommand(false)
    .addHelpText('after', `\n${EXIT_CODES}`);
  for (const [group, verbs] of Object.entries(GROUPS)) {
    for (const verb of verbs) {
      const command = verb(session);
      if (!WITHOUT_MIRROR.includes(verb)) withMirrorFile(command, session, FILE_USES.get(verb));
      program.addCommand(withHelp(command.copyInheritedSettings(program)).helpGroup(group));
    }
  }
  const complete = completeCommand(session, program).copyInheritedSettings(program);
  return program.addCommand(complete, { hidden: true });
}

/** Prints what went wrong, with the evidence, and returns the exit status. */
export function explain(
  thrown: unknown,
  session: Pick<Session, 'printError' | 'printJson' | 'stopped'>,
  json: boolean,
): number {
  const end = (exitCode: number, evidence: object): number => {
    const status = session.stopped() ?? exitCode;
    if (json) session.printJson({ ok: false, error: evidence }, status);
    return status;
  };
  if (thrown instanceof CommanderError) {
    // Commander has printed its message; asking for help or the version ends with 0.
    if (thrown.exitCode === 0) return EXIT.done;
    return end(EXIT.usage, { code: 'usage', message: thrown.message.replace(/^error: /, '') });
  }
  const error = diskError(thrown) ?? thrown;
  const say = session.printError;
  if (!(error instanceof MirrorError)) {
    // The system's words say it, a stack does not help.
    const isSystem = error instanceof Error && 'syscall' in error;
    if (isSystem) say(`stout-mirror: ${error.message}`);
    else say(inspect(error).split('\n').join('\n  ').split(LIST_BREAK));
    return end(EXIT.failed, { message: messageOf(error) });
  }
  const { code, message, where, expected, found } = error;
  const exitCode = end(exitCodeOf(code), { code, message, where, expected, found });
  say(`stout-mirror: ${message}`.split(LIST_BREAK));
  if (expected !== undefined) say(`  expected: ${expected}`);
  if (found !== undefined) say(`  found:    ${found}`);
  return exitCode;
}
