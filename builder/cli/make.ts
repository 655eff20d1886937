import type { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import { ROOT } from '../../format/layout.ts';
import type { PrepareOptions } from '../prepare.ts';
import type { RequestFlags } from '../request/flags.ts';
import type { ReadRequest } from '../request/read.ts';
import type { Asked } from '../request/request.ts';
import { EXIT } from './exit-codes.ts';
import { jsonOption, keyOption, listOption, numberOption, validForOption } from './options.ts';
import { addOriginOptions } from './request-options.ts';
import { directoryOf, type Session } from './session.ts';
import { linesOf } from './terminal.ts';

const JOBS = 8;

/** Options of the verbs that make or remake a mirror. */
export interface MakeOptions extends RequestFlags {
  key?: string;
  trust: string[];
  jobs: number;
  keepGoing?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** Adds the options of {@link MakeOptions} that do not choose packages. */
export const addMakeOptions = (command: Command): Command =>
  addOriginOptions(command.optionsGroup('How it is made:'))
    .addOption(keyOption())
    .addOption(listOption('--trust <key>', 'key that signed this mirror before, when the key changes'))
    .addOption(validForOption())
    .addOption(
      numberOption(
        '--keep-snapshots <n>',
        'snapshots to keep in the folder, the live one included (default: as the mirror has it, at first 1)',
        1,
        1000,
      ),
    )
    .addOption(numberOption('--jobs <n>', 'downloads at a time', 1, 64).default(JOBS))
    .option('--keep-going', 'leave out packages that are unknown or not available, and exit with 1')
    .option('--dry-run', 'print what would be done, and write nothing')
    .addOption(jsonOption());

/** What a verb makes of the request that it read. */
export interface Making extends Pick<Asked, 'extend' | 'newest' | 'force'> {
  read: ReadRequest;
  from?: string | undefined;
}

/** Makes a mirror, or previews it with `--dry-run`, and prints the result. Throws as `createMirror`. */
export async function makeMirror(
  session: Session,
  dir: string,
  options: MakeOptions,
  { read, from, ...how }: Making,
): Promise<void> {
  const { environment, reporter } = session;
  const { createMirror } = await import('../create.ts');
  const { signingKey, trustedKeys } = await import('../keys.ts');
  const { printSummary } = await import('./summary.ts');
  const { cacheFolder } = await import('../places.ts');
  const { expectOrigin } = await import('../upstream/open.ts');
  const prepare: Omit<PrepareOptions, 'trusted'> = {
    ...{ directory: directoryOf(dir), from, keepGoing: options.keepGoing ?? false, reporter },
    ...{ asked: { ...read, ...how }, cache: cacheFolder(environment), now: session.now() },
  };
  if (options.dryRun) return preview(session, options, prepare);
  // Before the first key is made for nothing.
  expectOrigin(read.origin);
  await makeFirstKey(session, prepare.directory, options);
  const summary = await createMirror({
    ...prepare,
    trusted: options.trust.length > 0 ? await trustedKeys(options.trust, environment) : [],
    key: await signingKey(options.key, environment, session.askPassword),
    jobs: options.jobs,
  });
  const exitCode = summary.failed.length > 0 ? EXIT.failed : EXIT.done;
  if (options.json) return session.printJson(summary, exitCode);
  printSummary(session, summary);
  session.fail(exitCode);
}

async function preview(
  session: Session,
  { trust, json }: MakeOptions,
  prepare: Omit<PrepareOptions, 'trusted'>,
): Promise<void> {
  const { previewMirror } = await import('../preview.ts');
  const { trustedKeys } = await import('../keys.ts');
  const { printPreview } = await import('./summary.ts');
  const trusted = await trustedKeys(trust, session.environment).catch(noKeyYet);
  const found = await previewMirror({ ...prepare, trusted });
  const exitCode = found.failed.length > 0 ? EXIT.failed : EXIT.done;
  if (json) return session.printJson(found, exitCode);
  printPreview(session, found);
  session.fail(exitCode);
}

/** Before the first key is made, no snapshot can be trusted. */
function noKeyYet(error: unknown): [] {
  if (error instanceof MirrorError && error.code === 'missing') return [];
  throw error;
}

/**
 * Makes the default key pair for a new mirror when there is no key to sign with, and prints it. An existing mirror was signed
 * with another key, and nobody would trust a new one.
 */
async function makeFirstKey(
  { environment, reporter }: Session,
  directory: string,
  { key }: MakeOptions,
): Promise<void> {
  const { isPresent } = await import('../directory/write.ts');
  const { localPath } = await import('../directory/paths.ts');
  if (key !== undefined || environment.MIRROR_SIGNING_KEY) return;
  if (await isPresent(localPath(directory, ROOT))) return;
  const { defaultKeyPath, generateKey } = await import('../keys.ts');
  const { formatPublicKey, publicKeyHex } = await import('../../format/minisign/public-key.ts');
  const path = defaultKeyPath(environment);
  if (await isPresent(path)) return;
  const { publicKey } = await generateKey(path);
  reporter.note(`A new key pair signs your mirrors from now on. Keep ${path} safe and backed up.`);
  for (const line of linesOf(formatPublicKey(publicKey))) reporter.note(line);
  reporter.note(`as hex, for stout: ${publicKeyHex(publicKey)}`);
}
