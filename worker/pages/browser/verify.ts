import type { Failure, VerifyReport } from '../../../format/verify/report.ts';
import { outcomeOf } from '../failures.ts';
import { bytesText, counted, countText, shareText } from '../units.ts';
import { part } from './part.ts';

// The verify page's script: reads every byte of the mirror, call by call, and shows how far it is. Without it, the same
// form makes one call, and a link continues.

/** How long to wait for another deep check where the server does not say, seconds. */
const PAUSE = 5;

const form = part<HTMLFormElement>('#deep');
const start = part<HTMLButtonElement>('button', form);
const stop = part<HTMLButtonElement>('#stop');
const run = part<HTMLElement>('#run');
const bar = part<HTMLProgressElement>('progress', run);
const text = part('#so-far');
const findings = part('#found');

/** What was read so far. */
interface Sum {
  files: number;
  /** Files on demand or withdrawn, of which nothing was read. */
  skipped: number;
  bytes: number;
  failures: Failure[];
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const aborting = new AbortController();
  stop.onclick = () => aborting.abort();
  void check(aborting.signal);
});

async function check(signal: AbortSignal): Promise<void> {
  start.disabled = true;
  stop.hidden = run.hidden = false;
  run.dataset.state = 'running';
  findings.replaceChildren();
  bar.removeAttribute('value');
  text.textContent = 'Reading …';
  const sum: Sum = { files: 0, skipped: 0, bytes: 0, failures: [] };
  try {
    await readAll(sum, signal);
    const read = counted(sum.files - sum.skipped, 'file');
    if (sum.failures.length > 0)
      finish('bad', `${outcomeOf(sum.failures).label}: ${counted(sum.failures.length, 'finding')}.`);
    else if (sum.skipped > 0) finish('good', `Every byte here is as signed: ${read} read and hashed.`);
    else finish('good', `Every byte is as signed: ${read}, ${bytesText(sum.bytes)} read and hashed.`);
  } catch (error) {
    const reason = signal.aborted ? 'Stopped.' : `Broken off: ${(error as Error).message}`;
    finish('stopped', `${reason} ${countText(sum.files - sum.skipped)} files were read.`);
  }
}

async function readAll(sum: Sum, signal: AbortSignal): Promise<void> {
  let cursor: string | null = null;
  do {
    const report: VerifyReport = await ask(cursor, signal);
    const { files, bytes, failures } = report;
    sum.files += files.checked;
    sum.skipped += files.on_demand + files.expired;
    sum.bytes += bytes.checked;
    sum.failures.push(...failures);
    note(failures);
    if (sum.failures.length > 0) refute(sum.failures);
    bar.value = sum.bytes / (bytes.total || 1);
    text.textContent = `${shareText(sum.bytes, bytes.total)}: ${countText(sum.files)} of ${counted(files.total, 'file')}, ${bytesText(sum.bytes)} of ${bytesText(bytes.total)}`;
    cursor = report.snapshot ? report.cursor : null;
  } while (cursor !== null);
}

async function ask(cursor: string | null, signal: AbortSignal): Promise<VerifyReport> {
  const query = new URLSearchParams({ deep: '1', ...(cursor === null ? {} : { cursor }) });
  const answer = await fetch(`/verify?${query}`, { headers: { accept: 'application/json' }, signal });
  if (answer.status === 429) {
    text.textContent = 'Waiting for another deep check …';
    await pause(Number(answer.headers.get('retry-after')) || PAUSE, signal);
    return ask(cursor, signal);
  }
  // The server made the cursor: it refuses it only when it belongs to an earlier snapshot.
  if (answer.status === 400) throw new Error('a new snapshot has been published. Start again.');
  if (!answer.ok) throw new Error(`the server answered ${answer.status}.`);
  return answer.json();
}

const pause = (seconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

function note(failures: readonly Failure[]): void {
  for (const { path, message } of failures) {
    const item = document.createElement('li');
    const name = document.createElement('code');
    name.textContent = path;
    item.append(name, ` ${message}`);
    findings.append(item);
  }
}

/** Takes back the verdict above, which is that of the quick check: the bytes overrule it. */
function refute(failures: readonly Failure[]): void {
  const { kind, label, counted: what } = outcomeOf(failures);
  part('.state').className = `state state-${kind}`;
  part('#state').replaceChildren(part<HTMLTemplateElement>(`#${kind}`).content.cloneNode(true), label);
  part('.verdict p').textContent = `What was read just now: ${what}.`;
}

function finish(state: 'good' | 'bad' | 'stopped', words: string): void {
  run.dataset.state = state;
  text.textContent = words;
  stop.hidden = true;
  start.disabled = false;
}
