import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pageWith, type Result, reportOf } from './bench/report.ts';
import type { Finding, Place, Row } from './bench/row.ts';
import { ROWS } from './bench/rows.ts';
import { buildProgram } from './pack/program.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = `${PROJECT}docs/BENCHMARKS.md`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string', default: '3' }, write: { type: 'boolean', default: false } },
});
if (values.write && positionals.length > 0) throw new Error('--write is for all rows together.');
await buildProgram(PROJECT, `${PROJECT}dist`);
const rows = ROWS.filter(
  ({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)),
);
const results: Result[] = [];
for (const row of rows) {
  console.error(`${row.name} …`);
  const missing = row.needs.filter(
    (program) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`]).status,
  );
  const findings = missing.length > 0 ? `skipped: ${missing.join(', ')} not installed` : await inPlace(row);
  results.push({ row, findings });
  console.error(typeof findings === 'string' ? `  ${findings}` : findings.map(lineOf).join('\n'));
}
const report = reportOf(results);
console.log(report);
if (values.write) await writeFile(PAGE, pageWith(await readFile(PAGE, 'utf8'), report));

async function inPlace(row: Row): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-bench-'));
  const own = join(folder, 'own');
  await mkdir(own);
  const environment = {
    HOME: own,
    XDG_CONFIG_HOME: '',
    XDG_CACHE_HOME: '',
    XDG_STATE_HOME: '',
    MIRROR_SIGNING_KEY: '',
  };
  const place: Place = { folder, times: Number(values.times), write: values.write, environment };
  try {
    return await row.run(place);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function lineOf({ ours, peer, found, reached }: Finding): string {
  return `  ${reached ? 'reached' : 'MISSED '} ${ours}${peer ? ` against ${peer}` : ''}: ${found}`;
}
