import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { code, diffMarkdown } from '../../builder/cli/diff-markdown.ts';
import type { Diff } from '../../builder/diff/compare.ts';
import { needs } from '../support/programs.ts';

/** Text that means something in Markdown, HTML or GitHub's comments. */
const MEANINGFUL = [
  ...[
    '`',
    '``',
    '|',
    '\\',
    '\\|',
    '<!--',
    '<b>',
    '</td>',
    '&amp;',
    '&#124;',
    '@everyone',
    '#1',
    'GH-1',
    '~~',
    '**',
  ],
  ...[
    '](x)',
    '![',
    '$$',
    'https://evil.example',
    'www.evil.example',
    'a@evil.example',
    '\n\n',
    '\r',
    '\t',
    '- ',
    '# ',
  ],
  ...['[ ]', ':+1:', '\u202e', '\u200b', '\ud800', '😀', ' ', 'a'],
];
const hostile = fc.array(fc.oneof(fc.constantFrom(...MEANINGFUL), fc.string()), { maxLength: 8 });
const texts = fc.sample(
  hostile.map((parts) => parts.join('')),
  400,
);

/** Returns HTML as GitHub's own parser makes it. */
function html(markdown: string): string {
  const extensions = ['table', 'autolink', 'strikethrough', 'tasklist', 'tagfilter', 'footnotes'].flatMap(
    (one) => ['-e', one],
  );
  return execFileSync('cmark-gfm', ['--unsafe', ...extensions], {
    input: markdown,
    encoding: 'utf8',
  });
}

const tagsIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, name = '']) => name));

test('GitHub’s parser takes foreign text for code, and for nothing else', needs('cmark-gfm'), () => {
  const rows = texts.map((text) => `| x | ${code(text)} | y |`);
  const made = html(['| a | b | c |', '| --- | --- | --- |', ...rows].join('\n'));
  const cells = [...made.matchAll(/<tr>\n<td>x<\/td>\n<td><code>[^<]*<\/code><\/td>\n<td>y<\/td>\n<\/tr>/g)];
  expect(cells).toHaveLength(texts.length);
  expect(tagsIn(made)).toEqual(new Set(['table', 'thead', 'tbody', 'tr', 'th', 'td', 'code']));
});

test('a whole diff of foreign text has our own tags alone', needs('cmark-gfm'), () => {
  const none = { files: 1, bytes: 1, of_unknown_size: 0 };
  const some = texts.slice(0, 40);
  const diff: Diff = {
    from: { place: some[0] ?? '', version: 1, created_at: '2026-11-01T00:00:00Z' },
    to: { place: 'upstream', upstream: some[1] ?? '' },
    ...{
      same_mirror: true,
      same_snapshot: false,
      differs: true,
      fetch: none,
      on_demand: 1,
      drop: none,
      skipped: some.map((text) => ({ name: text, reason: text })),

      kept: some,
    },
    changes: some.map((text) => ({
      ...{ kind: 'cask', name: text, from: text, to: text, fetch: none },
      ...{ needed_by: { kind: 'formula', name: text }, tags: { added: [text], removed: [text] } },
    })),
    decisions: some.map((text) => ({
      ...{ kind: 'formula', name: text, version: text, rule: 'deny', outcome: 'denied' },
      ...{ reason: text, needs: text, is_new: true },
    })),
    vulnerabilities: {
      found: some.map((text) => ({
        id: text,
        formula: text,
        version: text,
        severity: undefined,
        unclear: true,
      })),
      fixed: [],
    },
    warnings: some,
  };
  const made = html(diffMarkdown(diff).join('\n'));
  const OURS = ['h3', 'h4', 'p', 'blockquote', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'code'];
  expect(tagsIn(made)).toEqual(new Set(OURS));
  expect(made.replaceAll(/<code>[^<]*<\/code>/g, '')).not.toMatch(/evil|everyone|GH-1|#1|:\+1:/);
  expect(made.match(/<tr>/g)).toHaveLength(4 + 5 * some.length);
});
