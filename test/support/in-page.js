// What the browser tests do inside a page; they put it into every page that they open.
globalThis.inPage = {
  /** Types each text into the search; the time until the page was painted again after each, in milliseconds. */
  async keystrokes(texts) {
    const field = document.querySelector('#q');
    const times = [];
    for (const text of texts) {
      const started = performance.now();
      field.value = text;
      field.dispatchEvent(new Event('input'));
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      times.push(performance.now() - started);
    }
    return times;
  },

  /** Values that the progress bar took since it was watched. */
  progress: [],

  watchProgress() {
    const bar = document.querySelector('progress');
    const note = () => bar.hasAttribute('value') && this.progress.push(bar.value);
    new MutationObserver(note).observe(bar, { attributes: true });
  },

  /** What axe finds by these rules, an entry for each. */
  async barriers(runOnly) {
    const { violations } = await globalThis.axe.run({ runOnly });
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    );
  },

  /** Elements that reach beyond the width of the screen, when that makes the page scroll sideways. */
  overhang() {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const beyond = (element) => element.getBoundingClientRect().right > clientWidth;
    const elements = [...document.querySelectorAll('body *')].filter(beyond);
    return [
      `by ${scrollWidth - clientWidth} pixels`,
      ...elements.map(({ outerHTML }) => outerHTML.slice(0, 80)),
    ];
  },

  /** Milliseconds from the request to the first content on the screen. */
  firstContent() {
    return new Promise((resolve) => {
      const observer = new PerformanceObserver((list) => {
        const [entry] = list.getEntriesByName('first-contentful-paint');
        if (entry) resolve(entry.startTime);
      });
      observer.observe({ type: 'paint', buffered: true });
    });
  },

  focused() {
    const { id, textContent } = document.activeElement;
    return { id, text: textContent, outline: getComputedStyle(document.activeElement).outlineStyle };
  },
};
