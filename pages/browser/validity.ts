import { momentText } from '../units.ts';

/** On a host that only sends files, compares the clock with the signed list as it is now: no server says that it has expired. */
export function checkValidity(): void {
  const line = document.querySelector<HTMLElement>('#validity');
  if (line) void showValidity(line);
}

async function showValidity(line: HTMLElement): Promise<void> {
  // Where the list does not arrive, the dates of the page decide.
  const root = await fetchRoot(line.dataset.root ?? '').catch(() => undefined);
  showMoment(line.querySelector('#created'), root?.created_at);
  const expires = showMoment(line.querySelector('#expires'), root?.expires_at);
  const isExpired = expires.getTime() <= Date.now();
  line.classList.toggle('bad', isExpired);
  const word = line.querySelector('#valid');
  if (word && isExpired) word.textContent = 'Expired: signed';
}

async function fetchRoot(url: string): Promise<{ created_at?: unknown; expires_at?: unknown } | null> {
  const answer = await fetch(url, { cache: 'no-cache' });
  return answer.ok ? answer.json() : null;
}

/** Shows a moment in place of that on the page, which stays where it cannot be read. Returns the moment shown. */
function showMoment(time: HTMLTimeElement | null, text: unknown): Date {
  const moment = new Date(typeof text === 'string' ? text : Number.NaN);
  if (!time || Number.isNaN(moment.getTime())) return new Date(time?.dateTime ?? Number.NaN);
  time.dateTime = moment.toISOString();
  time.textContent = momentText(moment);
  return moment;
}
