#!/usr/bin/env node
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
import { processSession } from './session.ts';
import { signCommand } from './sign.ts';
import { snapshotsCommand } from './snapshots.ts';
import { printable } from './terminal.ts';
import { updateCommand } from './update.ts';
import { verifyCommand } from './verify.ts';

const FAILED = 1;
const WRONG_USAGE = 2;
const USAGE_CODES: readonly string[] = ['usage', 'unknown-package'];

const session = processSession();
const program = new Command(NAME)
  .description('Signed, verifiable mirrors of Homebrew-style packages.')
  .version(VERSION)
  .exitOverride()
  .configureHelp(HELP)
  .helpCommand(false);

const groups = {
  'Make a mirror:': [createCommand, updateCommand, outdatedCommand, pruneCommand],
  'Check and sign it:': [verifyCommand, infoCommand, signCommand, keygenCommand],
  'Hand it out:': [serveCommand, configCommand],
  'Publish it to a bucket:': [publishCommand, rollbackCommand, snapshotsCommand, pruneBucketCommand],
  'Besides:': [completionCommand],
};
for (const [group, verbs] of Object.entries(groups)) {
  for (const verb of verbs)
    program.addCommand(verb(session, program).copyInheritedSettings(program).helpGroup(group));
}

try {
  await program.parseAsync();
} catch (error) {
  const status = explain(error);
  process.exitCode = session.stopped() ?? status;
}

/** Says what went wrong, with the evidence, and returns the exit status. */
function explain(error: unknown): number {
  // Commander has printed its message; asking for help or the version ends with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
  if (isDiskFull(error)) {
    const { message } = error as Error;
    console.error(printable(`stout-mirror: The disk takes no more: ${message}`));
    console.error('  Make room and run the same command again: what was downloaded is kept.');
    return FAILED;
  }
  if (error instanceof Error && 'syscall' in error) {
    // A full disk or a missing permission: the system's words say it, a stack does not help.
    console.error(printable(`stout-mirror: ${error.message}`));
    return FAILED;
  }
  if (!(error instanceof MirrorError)) {
    console.error(error);
    return FAILED;
  }
  if (process.argv.includes('--json')) {
    const { code, message, where, expected, found } = error;
    console.log(JSON.stringify({ ok: false, error: { code, message, where, expected, found } }, null, 2));
  }
  console.error(printable(`stout-mirror: ${error.message}`));
  if (error.expected !== undefined) console.error(printable(`  expected: ${error.expected}`));
  if (error.found !== undefined) console.error(printable(`  found:    ${error.found}`));
  return USAGE_CODES.includes(error.code) ? WRONG_USAGE : FAILED;
}
