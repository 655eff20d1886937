import { Command } from 'commander';
import type { PruneSummary } from '../prune.ts';
import { bytesText, counted } from '../units.ts';
import { jsonOption, numberOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  keep: number;
  dryRun?: boolean;
  trust: string[];
  json?: boolean;
}

export function pruneCommand(session: Session): Command {
  return new Command('prune')
    .summary('remove files of earlier versions')
    .description(
      'Remove the files that the snapshot does not name: those of earlier versions and of ' +
        'removed packages. What it still offers to clients with an older index stays. ' +
        'Also drops earlier snapshots beyond those that the mirror is to keep.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .addOption(numberOption('--keep <n>', 'versions of each package to keep', 1, 1000).default(1))
    .option('--dry-run', 'print what would be removed, and remove nothing')
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (dir: string, { keep, dryRun = false, trust, json }: Options) => {
      const { trustedKeys } = await import('../keys.ts');
      const { pruneMirror } = await import('../prune.ts');
      const trusted = await trustedKeys(trust, session.environment);
      const now = session.now();
      const summary = await pruneMirror({ directory: directoryOf(dir), keep, dryRun, trusted, now });
      if (json) session.printJson(summary);
      else printSummary(session, summary);
    });
}

function printSummary({ print, reporter }: Session, { dry_run, removed, kept, history }: PruneSummary): void {
  const verb = dry_run ? 'Would remove' : 'Removed';
  for (const path of removed.paths) reporter.note(`${verb.toLowerCase()} ${path}`);
  const rest = kept.files > 0 ? `; ${counted(kept.files, 'file')} of earlier versions stay` : '';
  print(`${verb} ${counted(removed.files, 'file')}, ${bytesText(removed.bytes)}${rest}.`);
  const { snapshots, files, bytes, unreadable } = history;
  if (unreadable.length > 0) {
    const names = unreadable.join(', ');
    reporter.warn(`Nothing of earlier snapshots is dropped, because these cannot be read: ${names}.`);
  }
  for (const name of snapshots) reporter.note(`${verb.toLowerCase()} snapshot ${name}`);
  if (snapshots.length + files === 0) return;
  print(`${verb} ${counted(snapshots.length, 'earlier snapshot')}: ${bytesText(bytes)} that only it needed.`);
}
