/** How long a button says that it has copied, milliseconds. */
const COPIED = 2000;

/**
 * Adds a button to each listing and to each element with `data-copy`, which copies its text. Where the browser offers no
 * clipboard (a page over http), there is none: the text can be selected.
 */
export function addCopyButtons(): void {
  if (!navigator.clipboard) return;
  for (const pre of document.querySelectorAll('.listing pre'))
    pre.previousElementSibling?.append(buttonFor(pre));
  for (const text of document.querySelectorAll('[data-copy]')) text.after(buttonFor(text));
}

function buttonFor(source: Element): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.trimEnd());
    } catch {
      // The browser may refuse: then the text is selected, for the user to copy.
      getSelection()?.selectAllChildren(source);
      return;
    }
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, COPIED);
  });
  return button;
}
