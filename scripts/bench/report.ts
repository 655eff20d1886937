import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import type { Finding, Row } from './row.ts';

/** A row, and what came of it: findings, or why there are none. */
export interface Result {
  row: Row;
  findings: readonly Finding[] | string;
}

const BEGIN = '<!-- npm run bench -- --write -->\n';
const END = '<!-- end -->\n';

/** What the figures were taken on, and the figures as a Markdown table. */
export const reportOf = (results: readonly Result[]): string => `${machineText()}\n${tableOf(results)}`;

/** A page with the report in place of the one that it has. Throws for a page that has no place for it. */
export function pageWith(page: string, report: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`The page has no ${BEGIN.trim()} … ${END.trim()}.`);
  return `${page.slice(0, from + BEGIN.length)}\n${report}\n${page.slice(to)}`;
}

function machineText(): string {
  const model = cpus()[0]?.model.trim() || 'unnamed CPU';
  const memory = Math.round(totalmem() / 1024 ** 3);
  const system = `${platform()} ${release()} ${arch()}`;
  return `Taken ${new Date().toISOString().slice(0, 10)} on ${model}, ${availableParallelism()} cores, ${memory} GiB; ${system}; Node ${process.version}.\n`;
}

function tableOf(results: readonly Result[]): string {
  const lines = results.flatMap(({ row, findings }) => {
    const [what, peer] = [`**${row.name}**: ${row.work}. Asked: ${row.reach}`, row.peer];
    if (typeof findings === 'string') return [lineOf([what, peer, '', '', findings])];
    return findings.map(({ ours, peer: theirs, found, reached }, index) => {
      const named = index === 0 ? [what, peer] : ['', ''];
      return lineOf([...named, ours, theirs, `${found}${reached ? '' : ' **(missed)**'}`]);
    });
  });
  return [
    lineOf(['work', 'peer', 'ours', "the peer's", 'ratio']),
    lineOf(Array(5).fill('---')),
    ...lines,
    '',
  ].join('\n');
}

const lineOf = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
