/**
 * The page's only script: copy buttons and a filter that works while one types.
 * Everything else works without it. The content security policy names it by its hash.
 */
export const SCRIPT = `
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

const form = document.getElementById('search');
if (form) {
  const rows = [...document.querySelectorAll('.packages tbody tr')];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const shown = document.getElementById('shown');
  const initial = [...shown.childNodes];
  form.elements.q.addEventListener('input', () => {
    const wanted = form.elements.q.value.trim().toLowerCase();
    rows.forEach((row, index) => { row.hidden = !texts[index].includes(wanted); });
    const count = rows.filter((row) => !row.hidden).length;
    shown.replaceChildren(...(wanted ? [count + ' of ' + rows.length + ' rows match'] : initial));
  });
  if ('complete' in form.dataset) {
    form.querySelector('button').hidden = true;
    form.addEventListener('submit', (event) => event.preventDefault());
  }
}
`;
