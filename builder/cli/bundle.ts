import { Command } from 'commander';
import type { BundleSummary } from '../bundle/bundle.ts';
import { bytesText, counted } from '../units.ts';
import { jsonOption, sizeOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  output: string;
  since?: string;
  maxSize?: number;
  trust: string[];
  json?: boolean;
}

export function bundleCommand(session: Session): Command {
  return new Command('bundle')
    .summary('write a mirror, or what changed, into files to carry')
    .description(
      'Write the files of a mirror into one tar archive or several, with the signed list of all files. ' +
        'With --since, only the files that the mirror on the other side lacks. At the same time (SOURCE_DATE_EPOCH), equal mirrors give equal bytes.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .requiredOption(
      '-o, --output <file>',
      'file to write; of several parts, each has its number before the extension',
    )
    .option(
      '--since <what>',
      'what the other side has already: part of an earlier bundle, a receipt of unbundle, or a version that the folder keeps',
    )
    .addOption(sizeOption('--max-size <size>', 'longest part, such as 4000M for a FAT32 stick'))
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (dir: string, { output, since, maxSize, trust, json }: Options) => {
      const { trustedKeys } = await import('../keys.ts');
      const { bundleMirror } = await import('../bundle/bundle.ts');
      const { environment, reporter } = session;
      const trusted = await trustedKeys(trust, environment);
      const now = session.now();
      const summary = await bundleMirror({
        ...{ directory: directoryOf(dir), output, since, maxSize, trusted, now, reporter },
      });
      if (json) session.printJson(summary);
      else session.print(linesOf(summary));
    });
}

function linesOf({ version, since, expires_at: until, carried, on_demand, parts }: BundleSummary): string[] {
  const what =
    since === null ? `Version ${version}` : `Version ${version}, without what version ${since} has`;
  return [
    `${what}: ${counted(carried.files, 'file')}, ${bytesText(carried.bytes)}. Valid until ${until}.`,
    ...(on_demand === 0 ? [] : [`${counted(on_demand, 'file')} on demand: not here, so not in the bundle.`]),
    ...parts.map(({ path, bytes }) => `${path}: ${bytesText(bytes)}`),
  ];
}
