import { Option } from 'commander';
import { numberOption } from './options.ts';
import { parseDuration } from './units.ts';

/** `--keep`, as the verbs that clean up a bucket have it. */
export const keepOption = (): Option =>
  numberOption('--keep <n>', 'snapshots to keep, the live one included', 1, 1000);

export const graceOption = (): Option =>
  new Option(
    '--grace <span>',
    'how long what was live, and what was uploaded, stays beyond that, such as 7d or 12h',
  )
    .argParser(parseDuration)
    .default(parseDuration('7d'), '7d');
