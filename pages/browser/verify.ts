import type { Failure, VerifyReport } from '../../format/verify/report.ts';
import { outcomeOf } from '../failures.ts';
import { bytesText, counted, countText, shareText } from '../units.ts';
import { part } from './part.ts';

// The verify page's script: reads every byte of the mirror, call by call, and shows how far it is. The address names where it
// would continue, so that one can leave and come back. Without it, the same form makes one call, and a link continues.

/** How long to wait for another deep check where the server does not say, seconds. */
const PAUSE = 5;

const form = part<HTMLFormElement>('#deep');
const start = part<HTMLButtonElement>('button', form);
const stop = part<HTMLButtonElement>('#stop');
const run = part<HTMLElement>('#run');
const bar = part<HTMLProgressElement>('progress', run);
const text = part('#so-far');
const findings = part('#found');
/** The kept snapshot that is checked, if it is not the live one. */
const kept = form.querySelector<HTMLInputElement>('[name=snapshot]')?.value;

/** What was read so far. */
interface Sum {
  /** Where the next call continues; `null` before the first and after the last. */
  cursor: string | null;
  files: number;
  /** Files on demand or withdrawn, of which nothing was read. */
  skipped: number;
  bytes: number;
  failures: Failure[];
}

/** Where a check begins, and how much the signed list has before that. */
interface Beginning {
  cursor: string | null;
  files: number;
  bytes: number;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  begin({ cursor: null, files: 0, bytes: 0 });
});

const onward = document.querySelector<HTMLAnchorElement>('#continue');
onward?.addEventListener('click', (event) => {
  event.preventDefault();
  const { cursor = null, files, bytes } = onward.dataset;
  begin({ cursor, files: Number(files), bytes: Number(bytes) });
});

function begin(beginning: Beginning): void {
  const aborting = new AbortController();
  stop.onclick = () => aborting.abort();
  void check(beginning, aborting.signal);
}

async function check(beginning: Beginning, signal: AbortSignal): Promise<void> {
  start.disabled = true;
  stop.hidden = run.hidden = false;
  document.querySelector('#so-far-read')?.remove();
  run.dataset.state = 'running';
  if (beginning.cursor === null) findings.replaceChildren();
  bar.removeAttribute('value');
  text.textContent = 'Reading …';
  const sum: Sum = { cursor: beginning.cursor, files: 0, skipped: 0, bytes: 0, failures: [] };
  try {
    await readAll(beginning, sum, signal);
    const read = counted(sum.files - sum.skipped, 'file');
    if (sum.failures.length > 0)
      finish('bad', `${outcomeOf(sum.failures).label}: ${counted(sum.failures.length, 'finding')}.`);
    else if (beginning.cursor !== null) finish('good', `The rest is as signed: ${read} read and hashed.`);
    else if (sum.skipped > 0) finish('good', `Every byte here is as signed: ${read} read and hashed.`);
    else finish('good', `Every byte is as signed: ${read}, ${bytesText(sum.bytes)} read and hashed.`);
  } catch (error) {
    const reason = signal.aborted ? 'Stopped.' : `Broken off: ${(error as Error).message}`;
    finish('stopped', `${reason} ${countText(sum.files - sum.skipped)} files were read.`);
    if (signal.aborted && sum.cursor !== null) offerToContinue(beginning, sum);
  }
}

/** Links to where a check was stopped. Here it goes on at once; the address is that at which the server does. */
function offerToContinue({ files, bytes }: Beginning, { cursor, ...read }: Sum): void {
  const link = document.createElement('a');
  link.href = addressOf(cursor);
  link.textContent = 'Continue where this stopped';
  link.addEventListener('click', (event) => {
    event.preventDefault();
    begin({ cursor, files: files + read.files, bytes: bytes + read.bytes });
  });
  text.append(' ', link);
}

async function readAll(before: Beginning, sum: Sum, signal: AbortSignal): Promise<void> {
  do {
    const report: VerifyReport = await ask(sum.cursor, signal);
    const { files, bytes, failures } = report;
    sum.files += files.checked;
    sum.skipped += files.on_demand + files.expired;
    sum.bytes += bytes.checked;
    sum.failures.push(...failures);
    note(failures);
    if (sum.failures.length > 0) refute(sum.failures);
    sum.cursor = report.snapshot ? report.cursor : null;
    const { cursor } = sum;
    const done = { files: before.files + sum.files, bytes: before.bytes + sum.bytes };
    bar.value = done.bytes / (bytes.total || 1);
    const share = `${shareText(done.bytes, bytes.total)}: ${countText(done.files)} of ${counted(files.total, 'file')}, ${bytesText(done.bytes)} of ${bytesText(bytes.total)}`;
    text.textContent = cursor === null ? share : `${share}; next ${cursor.slice(cursor.indexOf(':') + 1)}`;
    history.replaceState(null, '', cursor === null ? pageAddress : addressOf(cursor));
  } while (sum.cursor !== null);
}

/** The address of the quick check of the same snapshot. */
const pageAddress = form.action + (kept ? `?snapshot=${encodeURIComponent(kept)}` : '');

/** Returns the address at which the server continues. */
const addressOf = (cursor: string | null): string => `${form.action}?${queryOf(cursor)}`;

/** Returns the query of a deep check from a cursor on, of the snapshot that the form names. */
function queryOf(cursor: string | null): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) query.set(name, String(value));
  if (cursor !== null) query.set('cursor', cursor);
  return query;
}

async function ask(cursor: string | null, signal: AbortSignal): Promise<VerifyReport> {
  const answer = await fetch(addressOf(cursor), { headers: { accept: 'application/json' }, signal });
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
