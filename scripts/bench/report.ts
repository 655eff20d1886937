import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import type { Finding, Row } from './row.ts';

/** What the figures were taken on. */
export function machineText(): string {
  const model = cpus()[0]?.model.trim() || 'unnamed CPU';
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `# Benchmarks

Each row ran beside its peer in the same run on the same data; figures are medians. \`npm run bench\` measures again,
\`npm run bench -- --write\` writes this page.

Machine: ${model}, ${availableParallelism()} cores, ${memory} GiB; ${platform()} ${release()} ${arch()}; Node ${process.version}.
Taken ${new Date().toISOString().slice(0, 10)}.
`;
}

/** The results as a Markdown table. */
export function tableOf(results: readonly { row: Row; findings: Finding[] | string }[]): string {
  const lines = results.flatMap(({ row, findings }) =>
    typeof findings === 'string'
      ? [`| ${row.name} | ${row.work} | ${row.peer} | | | ${findings} | |`]
      : findings.map(
          ({ ours, peer, found, reached }) =>
            `| ${row.name} | ${row.work} | ${row.peer} | ${ours} | ${peer} | ${found} | ${reached ? 'yes' : '**no**'}: ${row.reach} |`,
        ),
  );
  return `| what | work | peer | ours | peer's | ratio | reached |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}
