import type { ListedPackage, PackageList } from '../../../format/package-list.ts';
import { matching } from '../search.ts';
import { counted, countText, sizeText } from '../units.ts';
import { part } from './part.ts';

// The status page's script: copy buttons, and a search while one types. Without it, Enter searches.

/** Matches shown at most. */
const SHOWN = 100;
/** How long a button says that it has copied, milliseconds. */
const COPIED = 2000;

for (const pre of navigator.clipboard ? document.querySelectorAll('.listing pre') : []) addCopyButton(pre);
const form = document.querySelector<HTMLFormElement>('#search');
if (form) searchWhileTyping(form);

function addCopyButton(pre: Element): void {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(pre.textContent.trimEnd());
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, COPIED);
  });
  pre.previousElementSibling?.append(button);
}

function searchWhileTyping(form: HTMLFormElement): void {
  const field = part<HTMLInputElement>('#q');
  const rows = part('.packages tbody');
  const shown = part('#shown');
  const before = { rows: [...rows.childNodes], shown: shown.textContent };
  const kinds: Record<string, string> = JSON.parse(form.dataset.kinds ?? '{}');
  let loading: Promise<ListedPackage[]> | undefined;
  const load = (): Promise<ListedPackage[]> => {
    loading ??= loadPackages();
    return loading;
  };
  const search = async (): Promise<void> => {
    const query = field.value.trim();
    part<HTMLElement>('#pages').hidden = query !== '';
    if (query === '') {
      rows.replaceChildren(...before.rows);
      shown.textContent = before.shown;
      return;
    }
    const all = await load();
    if (field.value.trim() !== query) return;
    const found = matching(all, query);
    rows.replaceChildren(...found.slice(0, SHOWN).map((item) => rowOf(item, kinds)));
    const matches = `${countText(found.length)} of ${countText(all.length)} match`;
    shown.textContent = found.length > SHOWN ? `${matches}; the first ${SHOWN}` : matches;
  };
  const searchOrSubmit = (): unknown => search().catch(() => form.submit());
  field.addEventListener('focus', () => void load().catch(() => undefined), { once: true });
  field.addEventListener('input', searchOrSubmit);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    searchOrSubmit();
  });
}

async function loadPackages(): Promise<ListedPackage[]> {
  const answer = await fetch('/api/v1/packages', { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return ((await answer.json()) as PackageList).packages;
}

/** Fills a copy of the server's own row. */
function rowOf(
  { kind, name, version, desc, tags, size }: ListedPackage,
  kinds: Record<string, string>,
): Node {
  const row = part<HTMLTemplateElement>('#row').content.cloneNode(true) as DocumentFragment;
  const fill = (selector: string, text: string): void => {
    part(selector, row).textContent = text;
  };
  fill('.name a', name);
  part<HTMLAnchorElement>('.name a', row).href = `/api/v1/packages/${encodeURIComponent(name)}`;
  fill('.version', version);
  fill('.kind', kinds[kind] ?? kind);
  fill('.number', sizeText(size));
  fill('.desc', desc);
  fill('.platforms code', tags.join(' '));
  if (tags.length > 1) fill('.platforms summary', counted(tags.length, 'platform'));
  else part('.platforms', row).replaceChildren(part('.platforms code', row));
  return row;
}
