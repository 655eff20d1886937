import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { formatPublicKey, publicKeyHex } from '../../format/minisign/public-key.ts';
import { type CreateSummary, createMirror } from '../create/create.ts';
import { type LoadedKey, signingKey, trustedKeys } from '../keys.ts';
import { chosenTags, type PlatformFlags } from '../plan/platforms.ts';
import { UpstreamLocation } from '../upstream/location.ts';
import { jsonOption, keyOption, listOption, numberOption, validForOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';
import { bytesText, counted } from './units.ts';

const STOUT_INDEX = 'https://raw.githubusercontent.com/neul-labs/stout-index/main';
const JOBS = 8;

interface Options extends PlatformFlags {
  cask: string[];
  deps: boolean;
  devDeps: boolean;
  withVulns?: boolean;
  upstream: string;
  key?: string;
  trust: string[];
  validFor: number;
  jobs: number;
  json?: boolean;
}

export function createCommand(session: Session): Command {
  return new Command('create')
    .summary('make a signed mirror of packages')
    .description(
      'Make a mirror of exactly these packages and what they depend on, or remake an existing one.',
    )
    .argument('<dir>', 'folder of the mirror')
    .argument('[packages...]', 'formulas to mirror')
    .addOption(listOption('--cask <token>', 'casks to mirror'))
    .addOption(listOption('--arch <arch>', 'architecture: arm64 or x86_64').default([], "this machine's"))
    .addOption(
      listOption('--os <name>', 'macOS release, such as sonoma, or linux').default([], "this machine's"),
    )
    .addOption(listOption('--platforms <tag>', 'bottle tags, such as arm64_sonoma,x86_64_linux'))
    .option('--no-deps', 'leave all dependencies out')
    .option('--no-dev-deps', 'leave build and test dependencies out')
    .option('--with-vulns', 'include the vulnerabilities of the mirrored packages')
    .option(
      '--upstream <where>',
      'stout-index to mirror: https URL, folder, or http on this machine',
      STOUT_INDEX,
    )
    .addOption(keyOption())
    .addOption(listOption('--trust <key>', 'key that signed this mirror before, when the key changes'))
    .addOption(validForOption())
    .addOption(numberOption('--jobs <n>', 'downloads at a time', 1, 64).default(JOBS))
    .addOption(jsonOption())
    .action((dir: string, packages: string[], options: Options) => create(session, dir, packages, options));
}

async function create(session: Session, dir: string, packages: string[], options: Options): Promise<void> {
  const { environment, reporter } = session;
  const request = requestOf(packages, options);
  const upstream = UpstreamLocation.parse(options.upstream);
  const loaded = await signingKey(options.key, environment, session.askPassword);
  announce(session, loaded);
  const summary = await createMirror({
    directory: directoryOf(dir),
    request,
    upstream,
    key: loaded.key,
    trusted: options.trust.length > 0 ? await trustedKeys(options.trust, environment) : [],
    now: session.now(),
    validFor: options.validFor,
    jobs: options.jobs,
    reporter,
  });
  if (options.json) session.print(JSON.stringify(summary, null, 2));
  else tell(session, summary);
}

function requestOf(packages: string[], options: Options): MirrorRequest {
  if (packages.length === 0 && options.cask.length === 0) {
    throw new MirrorError('usage', 'Name at least one package, or a cask with --cask.');
  }
  return {
    packages: [...new Set(packages)].sort(),
    casks: [...new Set(options.cask)].sort(),
    linux_apps: [],
    tags: chosenTags(options),
    dependencies: options.deps,
    dev_dependencies: options.devDeps,
    vulnerabilities: options.withVulns ?? false,
  };
}

function announce({ reporter }: Session, { key, created }: LoadedKey): void {
  if (!created) return;
  reporter.note(
    `A new key pair signs your mirrors from now on. Keep ${created.secretPath} safe and backed up.`,
  );
  reporter.note(
    `${formatPublicKey(key.publicKey).trimEnd()}\nas hex, for stout: ${publicKeyHex(key.publicKey)}\n`,
  );
}

function tell({ reporter, print }: Session, summary: CreateSummary): void {
  for (const { name, reason } of summary.skipped) reporter.warn(`Skipped ${name}: ${reason}`);
  for (const name of summary.dropped) {
    reporter.note(`No longer in this mirror: ${name} (by content address its files remain for 7 days)`);
  }
  const { formulas, casks, downloaded, reused, version, expires_at } = summary;
  print(
    [
      `${summary.directory}: ${counted(formulas, 'formula')} and ${counted(casks, 'cask')} in ` +
        `${counted(summary.files, 'file')}, ${bytesText(summary.bytes)}.`,
      `Fetched ${counted(downloaded.files, 'file')} (${bytesText(downloaded.bytes)}), kept ${reused}.`,
      `Snapshot ${version}, signed until ${expires_at}.`,
    ].join('\n'),
  );
  if (Date.parse(expires_at) <= Date.now()) {
    reporter.warn('That is in the past already: SOURCE_DATE_EPOCH and --valid-for make no valid mirror.');
  }
}
