import type { Throughput } from './load.ts';
import { median, type Usage } from './measure.ts';
import type { Finding } from './row.ts';

const MIB = 1024 * 1024;

/** Wall seconds, the middle of several runs. */
export const medianSeconds = (runs: readonly Usage[]): number => median(runs.map(({ seconds }) => seconds));

/** The most memory that any of the runs held, in MiB as people read it. */
export const peakText = (runs: readonly Usage[]): string =>
  `${Math.round(Math.max(...runs.map(({ peakBytes }) => peakBytes)) / MIB)} MiB`;

export const secondsText = (seconds: number): string => `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;

/** Bytes a second, and the CPU seconds that a GB takes. */
export function speedText(bytes: number, runs: readonly Usage[]): string {
  const cpu = median(runs.map(({ cpuSeconds }) => cpuSeconds));
  return `${(bytes / medianSeconds(runs) / 1e9).toFixed(2)} GB/s, ${(cpu / (bytes / 1e9)).toFixed(2)} CPU s/GB`;
}

/** Ours against the peer over the same bytes: speed must be at least `least` of the peer's. */
export function compareSpeed(
  bytes: number,
  ours: readonly Usage[],
  peer: readonly Usage[],
  least: number,
): Finding {
  const ratio = medianSeconds(peer) / medianSeconds(ours);
  return {
    ours: speedText(bytes, ours),
    peer: speedText(bytes, peer),
    found: `${ratio.toFixed(2)} of its speed`,
    reached: ratio >= least,
  };
}

/** Ours against the peer under load, by requests or by bytes a second: must be at least `least` of the peer's. */
export function compareLoad(
  what: string,
  by: keyof Throughput,
  [ours, peer]: readonly (readonly Throughput[])[],
  least: number,
): Finding {
  const [our, their] = [ours, peer].map((runs = []) => median(runs.map((run) => run[by]))) as [
    number,
    number,
  ];
  const text = (rate: number): string =>
    by === 'requestsPerSecond' ? `${Math.round(rate)} requests/s` : `${(rate / 1e6).toFixed(0)} MB/s`;
  return {
    ours: `${what}: ${text(our)}`,
    peer: text(their),
    found: `${(our / their).toFixed(2)} of its rate`,
    reached: our >= least * their,
  };
}
