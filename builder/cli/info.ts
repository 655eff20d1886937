import { Command } from 'commander';
import { ROOT_CHANNEL, snapshotName } from '../../format/layout.ts';
import type { folderSnapshots } from '../history/describe.ts';
import type { MirrorInfo } from '../info.ts';
import { bytesText, counted, durationText } from '../units.ts';
import { jsonOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

export function infoCommand(session: Session): Command {
  return new Command('info')
    .summary('show what a mirror holds')
    .description('Show what a mirror folder holds and how long it is signed for. To check it, use verify.')
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .addOption(jsonOption())
    .action(async (dir: string, options: { json?: boolean }) => {
      const { mirrorInfo, policyLines } = await import('../info.ts');
      const { folderSnapshots } = await import('../history/describe.ts');
      const info = await mirrorInfo(directoryOf(dir));
      const snapshots = await folderSnapshots(directoryOf(dir), session.clock());
      if (options.json) return session.printJson({ ...info, snapshots });
      session.print([...describe(info, policyLines(info), session.clock()), ...historyLines(snapshots)]);
    });
}

type Snapshots = Awaited<ReturnType<typeof folderSnapshots>>;

/** Returns what a folder keeps besides its live snapshot, a line each. */
function historyLines(snapshots: Snapshots): string[] {
  const [live, ...earlier] = snapshots;
  const others = (live?.channels ?? []).filter((name) => name !== ROOT_CHANNEL);
  if (earlier.length === 0 && others.length === 0) return [];
  return ['', 'Snapshots', ...table(snapshots.map((one) => [snapshotName(one), snapshotText(one)]))];
}

function snapshotText(snapshot: Snapshots[number]): string {
  const { channels, pinned, pinned_until: until } = snapshot;
  return [
    snapshot.state === 'unreadable' ? `unreadable: ${snapshot.reason}` : `created ${snapshot.created_at}`,
    ...(channels.length > 0 ? [`live in ${channels.join(', ')}`] : []),
    ...(pinned ? [until === null ? 'pinned' : `pinned until ${until}`] : []),
  ].join(', ');
}

function describe(info: MirrorInfo, policy: readonly string[], now: Date): string[] {
  const ago = (moment: string): string =>
    `${durationText(Math.max((now.getTime() - Date.parse(moment)) / 1000, 0))} ago`;
  const left = (Date.parse(info.expires_at) - now.getTime()) / 1000;
  const packages = info.packages.map(({ name, version, kind }): [string, string] => [
    name,
    kind === 'formula' ? version : `${version}  (${kind})`,
  ]);
  const { files, here, of_unknown_size: unknown } = info.on_demand;
  const isKnown = unknown === 0;
  return [
    `Created    ${info.created_at} by ${info.generator}`,
    `Upstream   ${info.upstream}`,
    ...(info.homebrew_api === null
      ? []
      : [`Homebrew   API of ${ago(info.homebrew_api)} (${info.homebrew_api})`]),
    `Mirror     ${info.mirror}`,
    `Snapshot   ${info.version}, index ${info.index_version}`,
    `Signed     ${ago(info.signed_at)} by key ${info.signed_by}`,
    left > 0 ? `Expires    in ${durationText(left)} (${info.expires_at})` : `EXPIRED    ${info.expires_at}`,
    `Packages   ${info.packages.length}`,
    `Size       ${bytesText(info.bytes)}${isKnown ? '' : ' as far as known'} in ${counted(info.files, 'file')}`,
    ...(files > 0 ? [`On demand  ${counted(files, 'file')}, ${here} of them here`] : []),
    ...table(sizesText(info.sizes)),
    'Bottles by platform',
    ...table(sizesText(info.tags)),
    ...(info.unchecked.length > 0 ? [`Unchecked  ${info.unchecked.join(', ')}`] : []),
    ...(policy.length > 0 ? ['Policy', ...policy.map((line) => `  ${line}`)] : []),
    '',
    ...table(packages),
  ];
}

const sizesText = (sizes: Record<string, number | null>): [string, string][] =>
  Object.entries(sizes).map(([name, bytes]) => [name, bytes === null ? 'unknown' : bytesText(bytes)]);

/** Formats rows of two columns, indented. */
function table(rows: readonly [string, string][]): string[] {
  const width = Math.max(9, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}
