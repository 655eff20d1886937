/** One line of a chart. */
export interface Series {
  name: string;
  points: { x: number; y: number }[];
}

const WIDTH = 720;
const HEIGHT = 320;
const PANEL = { width: 280, height: 200, top: 50 };
const COLOURS = ['#1f6feb', '#bf5700', '#1a7f37', '#8250df'];
/** Readable on light and on dark ground. */
const INK = '#6e7781';

/** Two charts beside each other, both axes logarithmic: time a file and memory a file by the number of files. */
export function plotOf({ time, memory }: { time: Series[]; memory: Series[] }): string {
  const legend = time.map(({ name }, index) => {
    const x = 60 + index * 150;
    return `<rect x="${x}" y="296" width="12" height="12" fill="${COLOURS[index]}"/>${text(x + 18, 306, name)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Time and peak memory a file by the number of files">
${panel(60, 'Time a file, µs', time)}
${panel(420, 'Peak memory a file, KiB', memory)}
${legend.join('\n')}
</svg>
`;
}

function panel(left: number, title: string, series: readonly Series[]): string {
  const points = series.flatMap((one) => one.points);
  const xs = [...new Set(points.map(({ x }) => x))];
  const [low, high] = [
    decade(Math.min(...points.map(({ y }) => y)), Math.floor),
    decade(Math.max(...points.map(({ y }) => y)), Math.ceil),
  ];
  const x = scale(Math.min(...xs), Math.max(...xs), left, left + PANEL.width);
  const y = scale(low, high, PANEL.top + PANEL.height, PANEL.top);
  const rows = decades(low, high).map((value) => {
    const at = y(value);
    const line = `<line x1="${left}" x2="${left + PANEL.width}" y1="${at}" y2="${at}" stroke="${INK}" stroke-opacity="0.3"/>`;
    return line + text(left - 6, at + 4, value.toLocaleString('en'), 'end');
  });
  const columns = xs.map((value) =>
    text(x(value), PANEL.top + PANEL.height + 18, value.toLocaleString('en'), 'middle'),
  );
  const lines = series.map(({ points: some }, index) => {
    const path = some.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`);
    const dots = path.map(
      (at) => `<circle cx="${at.split(',')[0]}" cy="${at.split(',')[1]}" r="3.5" fill="${COLOURS[index]}"/>`,
    );
    return `<polyline points="${path.join(' ')}" fill="none" stroke="${COLOURS[index]}" stroke-width="2"/>${dots.join('')}`;
  });
  return [text(left, 24, title), ...rows, ...columns, ...lines].join('\n');
}

const text = (x: number, y: number, content: string, anchor = 'start'): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${INK}">${content}</text>`;

const decade = (value: number, round: (value: number) => number): number => 10 ** round(Math.log10(value));

function decades(low: number, high: number): number[] {
  const count = Math.round(Math.log10(high / low)) + 1;
  return Array.from({ length: count }, (_, index) => low * 10 ** index);
}

/** From a logarithmic axis to a coordinate. */
const scale =
  (low: number, high: number, from: number, to: number) =>
  (value: number): number =>
    from + ((to - from) * Math.log(value / low)) / Math.log(high / low);
