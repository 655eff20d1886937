import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { UnbundleSummary } from '../bundle/unbundle.ts';
import { cacheFolder, stateFolder } from '../places.ts';
import { bytesText, counted } from '../units.ts';
import { jsonOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  receipt?: string;
  allowOlder?: boolean;
  trust: string[];
  json?: boolean;
}

export function unbundleCommand(session: Session): Command {
  return new Command('unbundle')
    .summary('make a folder the mirror in a bundle, or bring it up to date')
    .description(
      'Check every byte of a bundle against its signed list, and make the folder that mirror in one step. ' +
        'Give all parts, in any order; - is standard input.',
    )
    .usage('[options] <part...> <dir>')
    .argument('<part-and-dir...>', 'parts of the bundle, then the folder of the mirror')
    .option('--receipt <file>', 'write what the mirror has now to this file, for the next bundle --since')
    .option(
      '--allow-older',
      'accept an older snapshot than one that was accepted before, or one by an older key',
    )
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (places: string[], { receipt, allowOlder = false, trust, json }: Options) => {
      const { parts, dir } = partsAndFolder(places);
      const { trustedKeys } = await import('../keys.ts');
      const { unbundle } = await import('../bundle/unbundle.ts');
      const { environment, reporter } = session;
      const summary = await unbundle({
        ...{ directory: directoryOf(dir), parts, stdin: process.stdin, receipt, allowOlder, reporter },
        trusted: await trustedKeys(trust, environment),
        cache: cacheFolder(environment),
        stateFolder: stateFolder(environment),
        now: session.clock(),
      });
      if (json) session.printJson(summary);
      else session.print(sentences(summary));
    });
}

function partsAndFolder(places: string[]): { parts: string[]; dir: string } {
  const parts = places.slice(0, -1);
  const dir = places.at(-1);
  if (dir !== undefined && parts.length > 0) return { parts, dir };
  throw new MirrorError('usage', 'Name the parts of the bundle, then the folder of the mirror.');
}

function sentences({ changed, version, previous_version: previous, ...rest }: UnbundleSummary): string[] {
  const amount = `${counted(rest.files, 'file')}, ${bytesText(rest.bytes)}`;
  if (!changed) return [`The mirror has version ${version} already: nothing to do.`];
  const from = previous === null ? '' : `, after ${previous}`;
  const { on_demand: absent } = rest;
  return [
    `The mirror has version ${version} now${from}: ${amount}. Valid until ${rest.expires_at}.`,
    ...(absent === 0 ? [] : [`Of these, ${counted(absent, 'file')} on demand did not come with the bundle.`]),
  ];
}
