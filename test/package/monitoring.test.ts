import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { Metrics } from '../../builder/metrics/metrics.ts';
import { needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(PROJECT, path), 'utf8');
const ALERTS = 'packaging/prometheus/alerts.yml';
const DASHBOARD = 'packaging/grafana/stout-mirror.json';
const folder = await temporaryFolder();

/** Names of figures, those of parts of a histogram too. */
const NAME = /\b(?:stout_mirror|process|nodejs)_[a-z0-9_]+/g;

const NOTHING = { ok: true, not_as_signed: null, on_demand: null };
let served: string[] = [];
let text = '';
beforeAll(async () => {
  const metrics = new Metrics([], async () => ({
    ...NOTHING,
    snapshot: { version: 1, created_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-02T00:00:00Z' },
  }));
  metrics.began();
  metrics.ended(
    {
      method: 'GET',
      target: '/',
      version: '1.1',
      remoteAddress: '',
      status: 200,
      bytes: 1,
      ms: 1,
      isWhole: false,
    },
    { route: '/', status: 200 },
  );
  text = await metrics.text();
  served = [...text.matchAll(/^([a-z_0-9]+)[{ ]/gm)].map(([, name = '']) => name);
});

interface Panel {
  title: string;
  type: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

describe('the dashboard', async () => {
  const text = await read(DASHBOARD);
  const dashboard = JSON.parse(text);
  const panels: Panel[] = dashboard.panels;
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  test('asks for figures that serve has', () => {
    expect(expressions.length).toBeGreaterThan(15);
    const names = new Set(text.match(NAME));
    expect([...names].filter((name) => !served.includes(name))).toEqual([]);
  });

  test('shows each figure of a mirror', () => {
    const own = served.filter((name) => name.startsWith('stout_mirror_') && !/_(?:sum|count)$/.test(name));
    expect([...new Set(own)].filter((name) => !text.includes(name))).toEqual([]);
  });

  test('can be imported anywhere: its data source is a choice, and no panel covers another', () => {
    const [{ name, type, query }] = dashboard.templating.list;
    expect([name, type, query]).toEqual(['datasource', 'datasource', 'prometheus']);
    const shown = panels.filter((panel) => panel.type !== 'row');
    const chosen = { type: 'prometheus', uid: expect.stringMatching(/^\$\{datasource\}$/) };
    expect(shown.map(({ datasource }) => datasource)).toEqual(shown.map(() => chosen));
    expect(new Set(dashboard.panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  test('has expressions that Prometheus reads', needs('promtool'), async () => {
    const rules = expressions.map((expr, at) => ({
      record: `panel:${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'a').replaceAll('$instance', '.*'),
    }));
    const file = join(folder, 'dashboard.yml');
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(await runProgram('promtool', ['check', 'rules', file])).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('the alert rules', async () => {
  const rules = await read(ALERTS);

  test('wait for figures that serve has from the first', () => {
    const names = new Set(rules.match(NAME));
    expect([...names].filter((name) => !served.includes(name))).toEqual([]);
    const codes = [...rules.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, among = '']) => among.split('|'));
    expect(codes).toContain('expired');
    expect(codes.filter((code) => !text.includes(`{code="${code}"} 0`))).toEqual([]);
  });

  test('fire for a mirror in trouble, and for no other', needs('promtool'), async () => {
    await copyFile(join(PROJECT, ALERTS), join(folder, 'alerts.yml'));
    await copyFile(join(PROJECT, 'test/package/alerts.test.yml'), join(folder, 'alerts.test.yml'));
    for (const args of [
      ['check', 'rules', join(folder, 'alerts.yml')],
      ['test', 'rules', join(folder, 'alerts.test.yml')],
    ])
      expect(await runProgram('promtool', args)).toMatchObject({ status: 0, stderr: '' });
    const tests = await read('test/package/alerts.test.yml');
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
    expect(alerts.filter((name) => !tests.includes(`alertname: ${name}\n        exp_alerts`))).toEqual([]);
  });
});

describe('the page about monitoring', () => {
  test('has a configuration that Prometheus reads', needs('promtool'), async () => {
    const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(await read('docs/monitoring.md')) ?? [];
    expect(yaml).toContain('job_name: stout-mirror');
    const file = join(folder, 'prometheus.yml');
    await writeFile(file, yaml);
    expect(await runProgram('promtool', ['check', 'config', '--syntax-only', file])).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test('names each figure', async () => {
    const page = await read('docs/monitoring.md');
    const own = served.filter(
      (name) => name.startsWith('stout_mirror_') && !/_(?:bucket|sum|count)$/.test(name),
    );
    expect([...new Set(own)].filter((name) => !page.includes(`\`${name}`))).toEqual([]);
  });
});
