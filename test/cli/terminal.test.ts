import { describe, expect, it } from 'vitest';
import { progressLine, TerminalReporter } from '../../builder/cli/terminal.ts';
import { parseDuration } from '../../builder/request/duration.ts';
import { bytesText, durationText, shellWord } from '../../builder/units.ts';
import { failing } from '../builder/failing.ts';

describe('bytesText', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1234, '1.2 kB'],
    [9960, '10.0 kB'],
    [99_940, '99.9 kB'],
    [99_960, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [20e9, '20.0 GB'],
    [5e15, '5000 TB'],
  ])('when there are %i bytes, says %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});

describe('shellWord', () => {
  it.each([
    ['./my-mirror', './my-mirror'],
    ['my mirror', "'my mirror'"],
    ["it's", "'it'\\''s'"],
    ['~', "'~'"],
    ['', "''"],
  ])('writes %j as a shell takes it', (text, word) => {
    expect(shellWord(text)).toBe(word);
  });
});

describe('durationText', () => {
  it.each([
    [0, '0 s'],
    [0.2, '1 s'],
    [59, '59 s'],
    [90, '2 min'],
    [3600, '1 h'],
    [86_400, '24 h'],
    [30 * 86_400, '30 days'],
    [30 * 86_400 - 1, '29 days'],
  ])('when it is %d seconds, says %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});

describe('parseDuration', () => {
  it.each([
    ['90s', 90],
    ['5m', 300],
    ['12h', 43_200],
    ['30d', 2_592_000],
    ['2w', 1_209_600],
  ])('when it is %s, is %i seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each(['', '30', '0d', '-1d', '1.5h', '1y', '30 d', '1d2h', '999999w', '9999999d', 'd'])(
    'when it is %j, refuses',
    (text) => {
      expect(() => parseDuration(text)).toThrow(failing('usage'));
    },
  );
});

describe('progressLine', () => {
  it('when there is room, shows a bar and every known figure', () => {
    const progress = { label: 'Verifying', done: 30, total: 120, bytes: 25e6, totalBytes: 100e6 };
    expect(progressLine(progress, 10, { bar: false, width: 79 })).toBe(
      'Verifying             30/120  25.0 MB of 100 MB  2.5 MB/s  30 s left',
    );
    expect(progressLine({ label: 'Reading', done: 1, total: 2, bytes: 0 }, 0, { bar: true, width: 79 })).toBe(
      'Reading               ━━━━━━━━━━━··········· 1/2',
    );
  });

  it.each([
    { label: 'Fetching packages', done: 1234, total: 4567, bytes: 12.3e9 },
    { label: 'Reading package data', done: 99_999, total: 100_000, bytes: 0 },
    { label: 'Index of vulnerabilities', done: 0, total: 1, bytes: 1e9, totalBytes: 2e9 },
    { label: 'Verifying', done: 1234, total: 4567, bytes: 99.9e9, totalBytes: 100.1e9 },
    { label: 'Verifying', done: 7, total: 7, bytes: 2e9, totalBytes: 1e9 },
    { label: 'Fetching packages', done: 0, total: 0, bytes: 0 },
  ])('when values are long, stays within 79 columns and leaves nothing out: %j', (progress) => {
    for (const seconds of [0, 0.7, 100, 3500, 90_000]) {
      const line = progressLine(progress, seconds, { bar: true, width: 79 });
      expect(line.length).toBeLessThanOrEqual(79);
      expect(line).toContain(`${progress.label} `);
      expect(line).not.toMatch(/NaN|Infinity|undefined/);
      const shares = seconds > 1 && progress.done > 0 && progress.done < progress.total;
      if (shares) expect(line).toMatch(/ left$/);
    }
  });
});

describe('TerminalReporter', () => {
  function reporting(more: { interactive?: boolean; color?: boolean; columns?: number } = {}) {
    const written: string[] = [];
    let now = 1000;
    const reporter = new TerminalReporter(
      {
        ...{ write: (text) => written.push(text), interactive: more.interactive ?? true },
        color: more.color ?? false,
        get columns() {
          return more.columns ?? 80;
        },
      },
      () => now,
    );
    const step = (milliseconds: number, done: number) => {
      now += milliseconds;
      reporter.progress({ label: 'Fetching', done, total: 10, bytes: 0 });
    };
    return { reporter, step, written };
  }

  it('when progress comes fast, draws it ten times a second, and always the end', () => {
    const { step, written } = reporting();
    step(0, 1);
    step(50, 2);
    step(60, 3);
    step(1, 10);
    const drawn = written.map((text) => /\d+\/10/.exec(text)?.[0]).filter(Boolean);
    expect(drawn).toEqual(['1/10', '3/10', '10/10']);
    expect(written.at(-1)).toBe('\n');
  });

  it('when the output is not a terminal, writes a plain line every two seconds', () => {
    const { step, written } = reporting({ interactive: false });
    step(0, 1);
    step(1500, 2);
    step(600, 3);
    expect(written).toEqual(['Fetching              1/10\n', 'Fetching              3/10  5 s left\n']);
  });

  it('when the terminal is narrow, does not wrap', () => {
    const { step, written } = reporting({ columns: 20 });
    step(0, 1);
    expect(written.join('').replace('\r\x1b[2K', '')).toHaveLength(19);
  });

  it('when the terminal is resized, draws for the new width, over all rows that the old line has now', () => {
    const size = { columns: 80 };
    const { step, written } = reporting(size);
    step(0, 1);
    const before = written.join('').length - '\r\x1b[2K'.length;
    size.columns = 20;
    step(200, 2);
    const up = `\r\x1b[2K${'\x1b[A\x1b[2K'.repeat(Math.ceil(before / 20) - 1)}`;
    expect(written[1]?.startsWith(up)).toBe(true);
    expect(written[1]?.slice(up.length)).toHaveLength(19);
    size.columns = 120;
    step(200, 3);
    expect(written[2]).toMatch(/^\r.\[2KFetching .* 3\/10$/);
  });

  it('when a note comes while a line is open, begins a new one', () => {
    const { reporter, step, written } = reporting();
    step(0, 1);
    reporter.note('hello');
    expect(written.slice(1)).toEqual(['\n', 'hello\n']);
  });

  it('when a name from an upstream has control characters, replaces them', () => {
    const { reporter, written } = reporting({ color: true });
    reporter.warn('Skipped \x1b]0;owned\x07evil\r\x9b2J\u202egpj.name: é 日本');
    expect(written).toEqual([
      '\x1b[33mSkipped \ufffd]0;owned\ufffdevil\ufffd\ufffd2J\ufffdgpj.name: é 日本\x1b[0m\n',
    ]);
  });
});
