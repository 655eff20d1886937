import { UNITS_SCRIPT } from './script-units.ts';

/**
 * The verify page's script: reads every byte of the mirror, call by call, and shows how far it is. Without it the same
 * form does one call, and a link goes on. The content security policy names it by its hash.
 */
export const VERIFY_SCRIPT = `${UNITS_SCRIPT}
const form = document.getElementById('deep');
const run = document.getElementById('run');
const bar = run.querySelector('progress');
const text = document.getElementById('so-far');
const list = document.getElementById('found');
const stop = document.getElementById('stop');
let aborting;

const ask = async (cursor, signal) => {
  const query = new URLSearchParams({ deep: '1', ...(cursor ? { cursor } : {}) });
  const answer = await fetch('/verify?' + query, { headers: { accept: 'application/json' }, signal });
  if (answer.status === 429) {
    text.textContent = 'Waiting for another deep check …';
    await new Promise((resolve) => setTimeout(resolve, 1000 * answer.headers.get('retry-after')));
    return ask(cursor, signal);
  }
  if (answer.status === 429) {
    text.textContent = 'Waiting: another deep check is under way here.';
    await pause(Number(answer.headers.get('retry-after')) || 5, signal);
    return ask(cursor, signal);
  }
  // The cursor is the server's own: it is refused only once it belongs to an earlier snapshot.
  if (answer.status === 400) throw new Error('a new snapshot has been published. Start again.');
  if (!answer.ok) throw new Error('the server answered ' + answer.status + '.');
  return answer.json();
};

const pause = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, seconds * 1000);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    reject(signal.reason);
  });
});

// The verdict above is of the quick check; what the bytes say overrules it.
const refute = () => {
  document.querySelector('.state').className = 'state state-expired';
  document.getElementById('state').replaceChildren(document.getElementById('refuted').content.cloneNode(true));
  document.querySelector('.verdict p').textContent = 'What was read just now is not what was signed.';
};

const note = (failures) => {
  if (failures.length > 0) refute();
  for (const { path, message } of failures) {
    const item = document.createElement('li');
    const name = document.createElement('code');
    name.textContent = path;
    item.append(name, ' ' + message);
    list.append(item);
  }
};

const finish = (state, words) => {
  run.dataset.state = state;
  text.textContent = words;
  stop.hidden = true;
  form.querySelector('button').disabled = false;
};

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  aborting = new AbortController();
  form.querySelector('button').disabled = true;
  stop.hidden = run.hidden = false;
  run.dataset.state = 'running';
  list.replaceChildren();
  bar.removeAttribute('value');
  text.textContent = 'Reading …';
  let files = 0;
  let size = 0;
  let failed = 0;
  let cursor = null;
  try {
    do {
      const report = await ask(cursor, aborting.signal);
      files += report.files.checked;
      size += report.bytes.checked;
      failed += report.failures.length;
      note(report.failures);
      const whole = report.bytes.total || 1;
      bar.value = size / whole;
      text.textContent = share.format(size / whole) + ': ' + count.format(files) + ' of ' +
        count.format(report.files.total) + ' files, ' + bytes(size) + ' of ' + bytes(report.bytes.total);
      cursor = report.cursor;
      if (!report.snapshot) break;
    } while (cursor !== null);
    if (failed > 0) finish('bad', 'Not as signed: ' + count.format(failed) + (failed === 1 ? ' finding.' : ' findings.'));
    else finish('good', 'Every byte is as signed: ' + count.format(files) + ' files, ' + bytes(size) + ' read and hashed.');
  } catch (error) {
    const words = aborting.signal.aborted ? 'Stopped.' : 'Broken off: ' + error.message;
    finish('stopped', words + ' ' + count.format(files) + ' files were read.');
  }
});

stop.addEventListener('click', () => aborting.abort());
`;
