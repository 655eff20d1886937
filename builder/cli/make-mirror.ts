import { MirrorError } from '../../format/errors.ts';
import { ROOT } from '../../format/layout.ts';
import { type CreateOptions, createMirror } from '../create.ts';
import { expectMirror } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import { isPresent } from '../directory/write.ts';
import { signingKey, trustedKeys } from '../keys.ts';
import { cacheFolder } from '../places.ts';
import type { Force } from '../plan/make-plan.ts';
import type { PrepareOptions } from '../plan/prepare.ts';
import { previewMirror } from '../plan/preview.ts';
import { exactRequest, extendedRequest, namesPackages } from '../request/request.ts';
import type { CreateOptions as CommandOptions, MakeOptions } from './create.ts';
import { makeFirstKey } from './first-key.ts';
import { type ReadPackages, readPackages } from './packages.ts';
import { directoryOf, type Session } from './session.ts';
import { tellPreview, tellSummary } from './summary.ts';
import type { UpstreamOptions } from './upstream-options.ts';
import { upstreamsOf } from './upstreams.ts';

const FAILED = 1;

/** Makes a mirror as `create` was told. Throws as {@link createMirror}. */
export async function create(
  session: Session,
  dir: string,
  packages: string[],
  options: CommandOptions,
): Promise<void> {
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
interface Making {
  read: ReadPackages;
  from?: string | undefined;
  /** True to add to what the mirror was asked for; false to replace it. */
  extend: boolean;
  newest: PrepareOptions['newest'];
  force: Force;
}

/** Makes a mirror, or tells what would be made, and prints it. */
async function makeMirror(
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
  const isNew = !(await isPresent(localPath(directoryOf(dir), ROOT)));
  if (isNew && options.key === undefined) await makeFirstKey(session);
  const createOptions: CreateOptions = {
    ...prepare,
    trusted: options.trust.length > 0 ? await trustedKeys(options.trust, environment) : [],
    key: await signingKey(options.key, environment, session.askPassword),
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

/** Brings a mirror to the newest versions as `update` was told. Throws as {@link createMirror}. */
export async function update(
  session: Session,
  dir: string,
  packages: string[],
  options: MakeOptions,
): Promise<void> {
  await expectMirror(directoryOf(dir));
  const read = await readPackages(session, packages, options);
  const newest = namesPackages(read.wanted) ? 'named' : 'all';
  await makeMirror(session, dir, options, { read, extend: true, newest, force: 'none' });
}
