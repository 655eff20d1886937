import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import { type CreateOptions, createMirror } from '../create/create.ts';
import type { PrepareOptions } from '../create/prepare.ts';
import { previewMirror } from '../create/preview.ts';
import { signingKey, trustedKeys } from '../keys.ts';
import { cacheFolder } from '../places.ts';
import type { Force } from '../plan/make-plan.ts';
import { exactRequest, extendedRequest, namesPackages } from '../request/request.ts';
import { announceKey } from './keygen.ts';
import { jsonOption, keyOption, listOption, numberOption, validForOption } from './options.ts';
import { addPackageOptions, type PackageOptions, type ReadPackages, readPackages } from './packages.ts';
import { directoryOf, type Session } from './session.ts';
import { tellPreview, tellSummary } from './summary.ts';
import { addUpstreamOptions, type UpstreamOptions } from './upstream-options.ts';
import { upstreamsOf } from './upstreams.ts';

const JOBS = 8;
const FAILED = 1;

/** Options of the verbs that make or remake a mirror. */
export interface MakeOptions extends PackageOptions, UpstreamOptions {
  key?: string;
  trust: string[];
  validFor: number;
  jobs: number;
  keepGoing?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

interface Options extends MakeOptions {
  from?: string;
  update?: boolean;
  force?: boolean;
  all?: boolean;
  deps: boolean;
  devDeps: boolean;
}

export function createCommand(session: Session): Command {
  const command = new Command('create')
    .summary('make a signed mirror of packages')
    .description(
      'Make a mirror of exactly these packages and what they depend on, or remake an\n' +
        'existing one. With --update or --force the mirror keeps what else it has.',
    )
    .argument('<dir>', 'folder of the mirror')
    .argument('[packages...]', 'formulas to mirror')
    .option('--from <mirror>', 'link files that this other mirror has; without packages, take its list')
    .option('--update', 'add packages, or bring them to their newest versions, and keep the rest')
    .option('--force', 'fetch the files of these packages again, and keep the rest')
    .option('--all', 'every formula and cask of the upstream')
    .option('--no-deps', 'leave all dependencies out')
    .option('--no-dev-deps', 'leave build and test dependencies out');
  return addMakeOptions(addPackageOptions(command)).action(
    (dir: string, packages: string[], options: Options) => create(session, dir, packages, options),
  );
}

/** Adds the options of {@link MakeOptions} that do not choose packages. */
export function addMakeOptions(command: Command): Command {
  return addUpstreamOptions(command)
    .addOption(keyOption())
    .addOption(listOption('--trust <key>', 'key that signed this mirror before, when the key changes'))
    .addOption(validForOption())
    .addOption(numberOption('--jobs <n>', 'downloads at a time', 1, 64).default(JOBS))
    .option('--keep-going', 'leave out packages that cannot be had, and end with 1')
    .option('--dry-run', 'tell what would be fetched, linked and removed, and write nothing')
    .addOption(jsonOption());
}

async function create(session: Session, dir: string, packages: string[], options: Options): Promise<void> {
  const { update = false, force = false, from } = options;
  const read = await readPackages(session, packages, options);
  const isNaming = namesPackages(read.wanted);
  const extend = update || force || (from !== undefined && !isNaming);
  // Before the first key is made for nothing.
  if (!isNaming && !extend) throw nothingNamed(undefined);
  await makeMirror(session, dir, options, {
    read,
    from: from === undefined ? undefined : directoryOf(from),
    extend,
    newest: (update || force) && isNaming ? 'named' : 'all',
    force: force ? (isNaming ? 'named' : 'all') : 'none',
  });
}

/** How a mirror is made from what was read. */
export interface Making {
  read: ReadPackages;
  from?: string | undefined;
  /** True to add to what the mirror was asked for; false to replace it. */
  extend: boolean;
  newest: PrepareOptions['newest'];
  force: Force;
}

/** Makes a mirror, or tells what would be made, and prints it. */
export async function makeMirror(
  session: Session,
  dir: string,
  options: MakeOptions,
  making: Making,
): Promise<void> {
  const { environment, reporter } = session;
  for (const { name, reason } of making.read.unused) reporter.warn(`Not used: ${name}: ${reason}`);
  const prepare = prepareOptions(session, dir, options, making);
  if (options.dryRun) {
    const trusted = await trustedKeys(options.trust, environment).catch(noKeyYet);
    const preview = await previewMirror({ ...prepare, trusted });
    if (options.json) session.print(JSON.stringify(preview, null, 2));
    else tellPreview(session, preview);
    return;
  }
  const loaded = await signingKey(options.key, environment, session.askPassword);
  announceKey(session, loaded);
  const createOptions: CreateOptions = {
    ...prepare,
    trusted: options.trust.length > 0 ? await trustedKeys(options.trust, environment) : [],
    key: loaded.key,
    now: session.now(),
    validFor: options.validFor,
    jobs: options.jobs,
  };
  const summary = await createMirror(createOptions);
  if (options.json) session.print(JSON.stringify(summary, null, 2));
  else tellSummary(session, summary);
  if (summary.failed.length > 0) session.fail(FAILED);
}

/** What the verbs that only plan have in common with those that make. */
export function prepareOptions(
  { environment, reporter }: Session,
  dir: string,
  { keepGoing = false, ...origin }: UpstreamOptions & Pick<MakeOptions, 'keepGoing'>,
  { read, from, extend, newest, force }: Making,
): Omit<PrepareOptions, 'trusted'> {
  const directory = directoryOf(dir);
  return {
    ...{ directory, from, newest, force, keepGoing, reporter },
    named: read.named,
    cache: cacheFolder(environment),
    ask: (before) => {
      const isNaming = namesPackages(read.wanted);
      if (!isNaming && !(extend && before)) throw nothingNamed(from ?? (extend ? directory : undefined));
      const request =
        extend && before ? extendedRequest(before.request, read.wanted) : exactRequest(read.wanted);
      return { request, ...upstreamsOf(origin, request, before) };
    },
  };
}

function nothingNamed(where: string | undefined): MirrorError {
  const hint = where === undefined ? '' : ` ${where} is no mirror with a list signed by a key you trust.`;
  return new MirrorError('usage', `Name at least one package, or a cask with --cask.${hint}`, { where });
}

/** Before the first key is made, no snapshot can be anybody's. */
function noKeyYet(error: unknown): [] {
  if (error instanceof MirrorError && error.code === 'missing') return [];
  throw error;
}
