import { isoSeconds } from '../../format/iso-seconds.ts';
import type { Diff, Side } from '../diff/compare.ts';
import type { Vulnerability } from '../diff/state.ts';
import type { Change } from '../plan/changes.ts';
import type { PackageName } from '../plan/closure.ts';
import { isWorthALine, summaryText, toFetchText } from './diff-text.ts';
import { tagsText } from './summary.ts';
import { printable } from './terminal.ts';

/** Characters of the longest name, version or reason. */
const LONGEST = 200;
/** Characters of the rows of one section. GitHub's comments have 65,536: what is around the rows takes the rest. */
const BUDGET = { changes: 32_000, decisions: 10_000, vulnerabilities: 10_000, skipped: 8_000 } as const;

/** Returns a diff as Markdown for a comment on GitHub, of at most 65,536 characters. */
export function diffMarkdown(diff: Diff): string[] {
  const { from, to, warnings } = diff;
  return [
    `### ${summaryText(diff)}`,
    '',
    `From ${sideMarkdown(from)} to ${sideMarkdown(to)}.`,
    ...warnings.slice(0, 4).flatMap((warning) => ['', `> ${code(warning)}`]),
    ...changesTable(diff),
    ...vulnerabilityLists(diff),
    ...decisionsTable(diff),
    ...skippedTable(diff),
  ];
}

function changesTable({ changes }: Diff): string[] {
  const rows = changes.map((change) => {
    const { from, to, tags, needed_by: by, fetch } = change;
    const versions = [from, to].flatMap((version) => (version === undefined ? [] : code(version)));
    const version = from === to ? versions.slice(1) : versions;
    const note = by ? `, needed by ${title(by)}` : tags ? `, ${code(tagsText(tags))}` : '';
    return row(
      verbOf(change),
      title(change),
      version.join(' → ') + note,
      fetch.files > 0 ? toFetchText(fetch) : '',
    );
  });
  return section('Packages', table(['', 'package', 'version', 'to fetch']), rows, BUDGET.changes);
}

function verbOf({ from, to, tags }: Change): string {
  if (from === undefined) return 'added';
  if (to === undefined) return 'removed';
  if (from !== to) return 'changed';
  return tags ? 'platforms' : 'rebuilt';
}

function vulnerabilityLists({ vulnerabilities }: Diff): string[] {
  const { fixed = [], found = [] } = vulnerabilities ?? {};
  const lists =
    (what: string) =>
    (item: Vulnerability): string =>
      row(
        what,
        code(item.id),
        item.severity ?? 'unknown',
        `${code(item.formula)} ${code(item.version)}`,
        item.unclear ? 'perhaps' : '',
      );
  const rows = [...found.map(lists('new')), ...fixed.map(lists('fixed'))];
  return section(
    'Known vulnerabilities',
    table(['', 'advisory', 'severity', 'package', '']),
    rows,
    BUDGET.vulnerabilities,
  );
}

function decisionsTable({ decisions }: Diff): string[] {
  const rows = decisions.filter(isWorthALine).map((item) => {
    const { version, outcome, rule, reason, until } = item;
    return row(
      outcome,
      title(item),
      code(version),
      rule,
      code(reason),
      until === undefined ? '' : isoSeconds(until),
    );
  });
  const columns = ['', 'package', 'version', 'rule', 'reason', 'until'];
  return section('Decisions of the policy', table(columns), rows, BUDGET.decisions);
}

function skippedTable({ skipped, kept }: Diff): string[] {
  const rows = [
    ...skipped.map(({ name, reason }) => row('left out', code(name), code(reason))),
    ...kept.map((name) => row('stays', code(name), 'no longer available upstream')),
  ];
  return section('Not available upstream', table(['', 'package', 'reason']), rows, BUDGET.skipped);
}

/** Returns a heading and the rows that fit, and says how many do not; nothing without rows. */
function section(heading: string, head: string[], rows: readonly string[], budget: number): string[] {
  if (rows.length === 0) return [];
  let left = budget;
  const fitting = rows.filter((line) => {
    left -= line.length + 1;
    return left >= 0;
  });
  const more = rows.length - fitting.length;
  const rest = more > 0 ? ['', `… and ${more} more: \`stout-mirror diff\` lists them all.`] : [];
  return ['', `#### ${heading}`, '', ...head, ...fitting, ...rest];
}

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const table = (columns: readonly string[]): string[] => [row(...columns), row(...columns.map(() => '---'))];

const title = ({ kind, name }: PackageName): string =>
  kind === 'formula' ? code(name) : `${code(name)} (${kind})`;

const sideMarkdown = ({ place, version, created_at, upstream }: Side): string =>
  version === undefined
    ? `${code(place)} (${code(upstream ?? '')})`
    : `${code(place)} (snapshot ${version}, made ${created_at})`;

/**
 * Returns foreign text as a code span: nothing in one is Markdown, HTML, a mention or a link. The characters that could end it,
 * or end a cell of a table, are replaced, and so is what nobody can see.
 */
export function code(text: string): string {
  const characters = [...printable(text).replace(/\p{Cf}|\p{Cs}/gu, '\ufffd')];
  const most =
    characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : characters.join('');
  const inert = most.replaceAll('`', "'").replaceAll(/[|\\]/g, '/').replaceAll(/\s+/g, ' ').trim();
  return `\`${inert || '-'}\``;
}
