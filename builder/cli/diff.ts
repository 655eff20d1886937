import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { BucketOptions } from '../bucket/credentials.ts';
import type { Diff } from '../diff/compare.ts';
import type { UpstreamPlace } from '../diff/diff.ts';
import type { SignedPlace } from '../diff/sources.ts';
import type { MirrorFile } from '../mirror-file/read.ts';
import { cacheFolder, stateFolder } from '../places.ts';
import type { Origin } from '../request/request.ts';
import { counted, shellWord } from '../units.ts';
import { isMirrorUrl } from '../verify/mirror-url.ts';
import { NAME } from '../version.ts';
import { addBucketOptions, isSnapshotWord, KEYS_FROM, openBucket } from './bucket.ts';
import { EXIT } from './exit-codes.ts';
import { jsonOption, mirrorUrlArgument, trustOption } from './options.ts';
import { addOriginOptions } from './request-options.ts';
import { directoryOf, type Session } from './session.ts';

/** Names the upstream as it is now. A folder of that name is `./upstream`. */
const UPSTREAM = 'upstream';

/** Options of the verbs that print a diff. `homebrewKey` is a file. */
export interface DiffVerbOptions extends Origin {
  /** Of `--config`, or of the present folder. */
  mirrorFile?: MirrorFile;
  config?: string;
  trust: string[];
  markdown?: boolean;
  json?: boolean;
  exitCode?: boolean;
}

interface Options extends DiffVerbOptions, Partial<BucketOptions> {}

/** Adds the options of {@link DiffVerbOptions}. */
export const addDiffOptions = (command: Command): Command =>
  addOriginOptions(command)
    .addOption(trustOption())
    .option('--markdown', 'print Markdown, for a comment on a pull request')
    .option('--exit-code', 'end with 1 if there is a difference')
    .addOption(jsonOption());

export function diffCommand(session: Session): Command {
  const command = new Command('diff')
    .summary('compare two mirrors, or a mirror with its upstream')
    .description(
      'List what a mirror gains, loses and changes from <a> to <b>: packages, bytes to fetch, decisions of the ' +
        'policy, and known vulnerabilities. Both must be signed by a trusted key. ' +
        `With --bucket, a side may be \`current\` or a snapshot as \`snapshots\` prints it.\n${KEYS_FROM}`,
    )
    .argument('<a>', 'folder, URL, or snapshot of a bucket')
    .argument('<b>', 'the same, or `upstream` as it is now');
  return addBucketOptions(addDiffOptions(command), 'the bucket with the snapshots').action(
    (a: string, b: string, options: Options) => run(session, a, b, options),
  );
}

async function run(session: Session, a: string, b: string, options: Options): Promise<void> {
  if (a === UPSTREAM) {
    const message = `\`${UPSTREAM}\` comes second: it is what a mirror would change to.`;
    throw new MirrorError('usage', message);
  }
  if (b === UPSTREAM) return showUpdate(session, await signedPlace(session, a, options), a, options);
  if (originWords(options).length > 0) {
    const message = `--upstream and --homebrew are for a comparison with \`${UPSTREAM}\`.`;
    throw new MirrorError('usage', message);
  }
  const sides = [await signedPlace(session, a, options), await signedPlace(session, b, options)] as const;
  const diff = await diffOf(session, ...sides, options);
  const { summaryText } = await import('./diff-text.ts');
  await printDiff(session, diff, options, () => summaryText(diff));
}

/** Returns what an argument names. Throws `usage`. */
async function signedPlace(session: Session, text: string, options: Options): Promise<SignedPlace> {
  if (isMirrorUrl(text)) return { kind: 'url', mirror: mirrorUrlArgument(text) };
  const { bucket } = options;
  if (bucket === undefined || !isSnapshotWord(text)) return { kind: 'folder', directory: directoryOf(text) };
  return { kind: 'kept', bucket: await openBucket({ ...options, bucket }, session), name: text };
}

/** Prints how a mirror differs from its upstream, and the command that brings it there. `dir` is the mirror as it was named. */
export async function showUpdate(
  session: Session,
  from: SignedPlace,
  dir: string,
  options: DiffVerbOptions,
): Promise<void> {
  const { NO_FLAGS } = await import('../request/flags.ts');
  const { readRequest } = await import('../request/read.ts');
  const { namesPackages } = await import('../request/request.ts');
  const { environment, reporter } = session;
  const { upstream, homebrew, homebrewKey, mirrorFile, config } = options;
  const origin = { upstream, homebrew, homebrewKey } as Origin;
  const read = await readRequest([], { ...NO_FLAGS, ...origin, mirrorFile }, environment, reporter);
  const isNaming = namesPackages(read);
  const plan: UpstreamPlace = {
    ...{ kind: 'upstream', keepGoing: false, now: session.now(), cache: cacheFolder(environment), reporter },
    // What the mirror was asked for, unless something names its packages.
    asked: { ...read, extend: !isNaming, newest: 'all', force: 'none' },
  };
  const diff = await diffOf(session, from, plan, options);
  const words = [...(config === undefined ? [] : ['--config', config]), ...originWords(options)];
  // Only a folder is updated from here. What a file names is what create makes.
  const command = from.kind === 'folder' ? [NAME, isNaming ? 'create' : 'update', dir, ...words] : [];
  await printDiff(session, diff, options, () => updateText(diff, command));
}

function updateText({ changes }: Diff, command: readonly string[]): string {
  if (changes.length === 0) return 'Everything is at its newest version.';
  const count = `${counted(changes.length, 'package')} would change`;
  return command.length > 0 ? `${count}: ${command.map(shellWord).join(' ')}` : `${count}.`;
}

/** Returns the options that say where packages come from, which a mirror remembers unless it is a folder. */
const originWords = ({ upstream, homebrew, homebrewKey }: Origin): string[] =>
  Object.entries({ '--upstream': upstream, '--homebrew': homebrew, '--homebrew-key': homebrewKey }).flatMap(
    ([option, given]) => (given === undefined ? [] : [option, given]),
  );

async function diffOf(
  session: Session,
  from: SignedPlace,
  to: SignedPlace | UpstreamPlace,
  { trust, markdown, json }: DiffVerbOptions,
): Promise<Diff> {
  if (markdown && json)
    throw new MirrorError('usage', 'Choose --markdown or --json: they exclude each other.');
  const { diffMirrors } = await import('../diff/diff.ts');
  const { trustedKeys } = await import('../keys.ts');
  return diffMirrors(from, to, {
    trusted: await trustedKeys(trust, session.environment),
    now: session.clock(),
    stateFolder: stateFolder(session.environment),
  });
}

/** Prints a diff as the options say, with a summary at its end. */
async function printDiff(
  session: Session,
  diff: Diff,
  { markdown, json, exitCode }: DiffVerbOptions,
  summary: () => string,
): Promise<void> {
  const status = exitCode && diff.differs ? EXIT.failed : EXIT.done;
  if (json) return session.printJson(diff, status);
  for (const warning of diff.warnings) session.reporter.warn(warning);
  const { printRemarks } = await import('./summary.ts');
  printRemarks(session, { skipped: [...diff.skipped], kept: [...diff.kept] });
  if (markdown) session.print((await import('./diff-markdown.ts')).diffMarkdown(diff));
  else session.print([...(await import('./diff-text.ts')).diffLines(diff), summary()]);
  session.fail(status);
}
