/** Lets `/` focus the field, arrows move through what was found, and Escape clear the search. Enter on a link is the browser's. */
export function moveByKeys(field: HTMLInputElement): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target as Element;
    if (event.key === '/' && !target.closest('input, textarea, select, [contenteditable]')) focus(field);
    else if (event.key === 'Escape' && isInSearch(target, field)) clear(field);
    else if (event.shiftKey || !isArrow(event.key) || !move(event.key, field)) return;
    event.preventDefault();
  });
}

const isArrow = (key: string): boolean => key === 'ArrowDown' || key === 'ArrowUp';

const isInSearch = (target: Element, field: Element): boolean =>
  target === field || target.closest('#found') !== null;

function focus(field: HTMLInputElement): void {
  field.focus();
  field.select();
}

function clear(field: HTMLInputElement): void {
  field.value = '';
  field.focus();
  field.dispatchEvent(new Event('input'));
}

/** Moves from the field through the links below it and back; false where the focus is elsewhere. */
function move(key: string, field: HTMLInputElement): boolean {
  const links = document.querySelectorAll<HTMLElement>('#near:not([hidden]) a, #results a');
  const stops: HTMLElement[] = [field, ...links];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  if (at < 0 || links.length === 0) return false;
  stops[Math.min(Math.max(at + (key === 'ArrowDown' ? 1 : -1), 0), stops.length - 1)]?.focus();
  return true;
}
