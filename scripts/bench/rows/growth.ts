import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startWorkerd } from '../../start/workerd.ts';
import { secondsText } from '../compare.ts';
import { measure, measureMirror, type Usage } from '../measure.ts';
import { makeBenchMirror } from '../mirror.ts';
import { plotOf, type Series } from '../plot.ts';
import { bundledWorker, publishTo } from '../publish.ts';
import type { Finding, Place, Row } from '../row.ts';

const SIZES = [1_000, 10_000, 50_000];
const QUICK_VERIFY = fileURLToPath(new URL('../quick-verify.ts', import.meta.url));
const PLOT = fileURLToPath(new URL('../../../docs/growth.svg', import.meta.url));
const STEPS = ['create', 'verify', 'publish', 'quick verify'] as const;

type Step = (typeof STEPS)[number];
type Measured = Record<Step, Usage>;

export const growth: Row = {
  name: 'growth',
  work: `create, verify, publish, quick verify of ${SIZES.map((size) => size.toLocaleString('en')).join(', ')} files`,
  peer: 'the same with fewer files',
  reach: 'neither time nor peak memory a file grows by more than a third',
  needs: [],
  run: async (place) => {
    const measured: Measured[] = [];
    for (const size of SIZES) measured.push(await measureAt(place, size));
    if (place.write) await writeFile(PLOT, plotOf(seriesOf(measured)));
    return STEPS.map((step) =>
      findingOf(
        step,
        measured.map((one) => one[step]),
      ),
    );
  },
};

/** Half of the files are bottles, half describe them. */
async function measureAt(place: Place, files: number): Promise<Measured> {
  const { directory, made, publicKey } = await makeBenchMirror(place, files / 2, 700);
  const verify = await measureMirror(['verify', directory], place.environment);
  const { endpoint, close } = await startWorkerd(await bundledWorker(place), { TRUSTED_KEYS: publicKey });
  const publish = await publishTo(place, endpoint, directory).finally(close);
  const quick = await measure(process.execPath, [QUICK_VERIFY, directory, publicKey]);
  return { create: made, verify, publish, 'quick verify': { ...quick, seconds: Number(quick.stdout) } };
}

const MICRO = 1e6;

function seriesOf(measured: readonly Measured[]): { time: Series[]; memory: Series[] } {
  const of = (measureOf: (usage: Usage, files: number) => number): Series[] =>
    STEPS.map((name) => ({
      name,
      points: measured.map((one, index) => ({
        x: SIZES[index] ?? 0,
        y: measureOf(one[name], SIZES[index] ?? 1),
      })),
    }));
  return {
    time: of(({ seconds }, files) => (seconds / files) * MICRO),
    memory: of(({ peakBytes }, files) => peakBytes / files / 1024),
  };
}

function findingOf(step: Step, usages: readonly Usage[]): Finding {
  const growthOf = (measureOf: (usage: Usage) => number): number => {
    const perFile = usages.map((usage, index) => measureOf(usage) / (SIZES[index] ?? 1));
    return Math.max(...perFile.slice(1).map((value, index) => value / (perFile[index] ?? 1)));
  };
  const [time, memory] = [growthOf(({ seconds }) => seconds), growthOf(({ peakBytes }) => peakBytes)];
  return {
    ours: `${step}: ${usages.map(({ seconds }) => secondsText(seconds)).join(', ')}`,
    peer: '',
    found: `a file: at most ${time.toFixed(2)} of the time and ${memory.toFixed(2)} of the memory of the size before`,
    reached: time <= 4 / 3 && memory <= 4 / 3,
  };
}
