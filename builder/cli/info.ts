import { Command } from 'commander';
import { type MirrorInfo, mirrorInfo } from '../info.ts';
import { jsonOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';
import { bytesText, durationText } from './units.ts';

export function infoCommand(session: Session): Command {
  return new Command('info')
    .summary('what a mirror holds')
    .description('Show what a mirror folder holds and how long it is signed for. Checks nothing: see verify.')
    .argument('<dir>', 'folder of the mirror')
    .addOption(jsonOption())
    .action(async (dir: string, options: { json?: boolean }) => {
      const info = await mirrorInfo(directoryOf(dir));
      session.print(options.json ? JSON.stringify(info, null, 2) : describe(info, new Date()));
    });
}

function describe(info: MirrorInfo, now: Date): string {
  const age = (now.getTime() - Date.parse(info.signed_at)) / 1000;
  const left = (Date.parse(info.expires_at) - now.getTime()) / 1000;
  const width = Math.max(...info.packages.map((item) => item.name.length), 8);
  return [
    `Created    ${info.created_at} by ${info.generator}`,
    `Snapshot   ${info.version}, index ${info.index_version}`,
    `Signed     ${durationText(Math.max(age, 0))} ago by key ${info.signed_by}`,
    left > 0 ? `Expires    in ${durationText(left)} (${info.expires_at})` : `EXPIRED    ${info.expires_at}`,
    `Packages   ${info.packages.length}`,
    `Files      ${info.files}, ${bytesText(info.bytes)}`,
    `Platforms  ${info.platforms.join(', ')}`,
    ...Object.entries(info.sizes).map(([kind, bytes]) => `  ${kind.padEnd(width)}  ${bytesText(bytes)}`),
    '',
    ...info.packages.map(
      ({ name, version, kind }) =>
        `${name.padEnd(width + 2)}  ${version}${kind === 'formula' ? '' : `  (${kind})`}`,
    ),
  ].join('\n');
}
