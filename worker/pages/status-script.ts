import { UNITS_SCRIPT } from './script-units.ts';

/**
 * The status page's script: copy buttons, and a search while one types. Everything else works without it, and so does
 * the search when one presses Enter. The content security policy names it by its hash.
 */
export const STATUS_SCRIPT = `${UNITS_SCRIPT}
for (const pre of navigator.clipboard ? document.querySelectorAll('.listing pre') : []) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(pre.textContent.trimEnd());
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  pre.previousElementSibling.append(button);
}

const SHOWN = 100;
const form = document.getElementById('search');
if (form) {
  const rows = document.querySelector('.packages tbody');
  const template = document.getElementById('row');
  const shown = document.getElementById('shown');
  const pages = document.getElementById('pages');
  const before = { rows: [...rows.childNodes], shown: shown.textContent };
  let loading;

  const load = () => loading ??= fetch('/api/v1/packages', { headers: { accept: 'application/json' } })
    .then((answer) => answer.ok ? answer.json() : Promise.reject(answer.status))
    .then(({ packages }) => packages.map((item) => ({ item, text: (item.name + ' ' + item.desc).toLowerCase() })));

  const row = ({ item }) => {
    const copy = template.content.cloneNode(true);
    const cell = (name) => copy.querySelector('.' + name);
    cell('name').firstChild.textContent = item.name;
    cell('name').firstChild.href = '/api/v1/packages/' + encodeURIComponent(item.name);
    cell('version').textContent = item.version;
    cell('kind').textContent = item.kind.replace('linux-app', 'Linux app');
    cell('number').textContent = bytes(item.size);
    cell('desc').textContent = item.desc;
    const code = cell('platforms').querySelector('code');
    code.textContent = item.tags.join(' ');
    if (item.tags.length > 1) cell('platforms').querySelector('summary').textContent = item.tags.length + ' platforms';
    else cell('platforms').replaceChildren(code);
    return copy;
  };

  const find = (all, wanted) => {
    const first = [];
    const rest = [];
    for (const one of all) {
      if (one.text.startsWith(wanted)) first.push(one);
      else if (one.text.includes(wanted)) rest.push(one);
    }
    return first.concat(rest);
  };

  const search = async () => {
    const wanted = form.elements.q.value.trim().toLowerCase();
    pages.hidden = wanted !== '';
    if (wanted === '') {
      rows.replaceChildren(...before.rows);
      shown.textContent = before.shown;
      return;
    }
    const all = await load();
    if (form.elements.q.value.trim().toLowerCase() !== wanted) return;
    const found = find(all, wanted);
    rows.replaceChildren(...found.slice(0, SHOWN).map(row));
    const matches = count.format(found.length) + ' of ' + count.format(all.length) + ' match';
    shown.textContent = found.length > SHOWN ? matches + '; the first ' + SHOWN : matches;
  };

  form.elements.q.addEventListener('focus', () => void load().catch(() => {}), { once: true });
  form.elements.q.addEventListener('input', () => void search().catch(() => form.submit()));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    search().catch(() => form.submit());
  });
}
`;
