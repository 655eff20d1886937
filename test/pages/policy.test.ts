import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ListedPackage } from '../../format/package-list.ts';
import { type FolderView, folderPage, type ListedFile } from '../../pages/folder.ts';
import type { FrontInput } from '../../pages/front.ts';
import { problemPage } from '../../pages/problem.ts';
import { CONTENT_SECURITY_POLICY } from '../../pages/security-policy.ts';
import { verifiedFilePage } from '../../pages/verified-file.ts';
import {
  DAY,
  FAILURE,
  HOSTILE,
  jq,
  REPORT,
  render,
  renderResults,
  renderStatic,
  renderVerify,
  rootExpiring,
} from './support.ts';

const FILE: ListedFile = { name: 'jq.tar.gz', type: 'file', size: 7, modified: '2025-11-01T00:00:00.000Z' };
const VIEW: FolderView = { filter: '', sort: 'name', isDescending: false };
const FOLDER = {
  ...{ folder: 'bottles/', entries: [FILE], previous: undefined, next: undefined },
  ...{ isFirst: true, totals: undefined, snapshot: 1, base: '', view: VIEW },
};

describe('hostile text', () => {
  const hostile: ListedPackage = { ...jq, name: HOSTILE, version: HOSTILE, desc: HOSTILE, tags: [HOSTILE] };
  const words = { title: HOSTILE, detail: HOSTILE, hint: HOSTILE };
  const fields = { ...words, expected: HOSTILE, found: HOSTILE, request_id: HOSTILE };
  const escaped = [
    ['a package', () => renderResults([hostile], '')],
    ['the configuration', () => render({ stoutConfig: HOSTILE })],
    ['the generator', () => render({ root: withGenerator(HOSTILE) })],
    ['a problem', () => problemPage({ status: 404, near: [HOSTILE], ...fields }, '')],
    ['a damaged file', () => problemPage({ status: 424, ...fields, path: HOSTILE, code: 'mismatch' }, '')],
    ['a file', () => verifiedFilePage({ path: HOSTILE, state: 'missing', evidence: 'none' }, 1, '')],
    ['a filter', () => folderPage({ ...FOLDER, view: { ...VIEW, filter: HOSTILE } })],
  ] as const;

  test.each(escaped)('when %s holds markup, it becomes text', async (_, rendered) => {
    const page = await rendered();
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img');
  });

  test('when a name holds what URLs reserve, its link stays below the packages', async () => {
    const page = await renderResults([{ ...jq, name: '../x?y#z' }], '');
    expect(page).toContain('href="/packages/..%2Fx%3Fy%23z"');
  });

  function withGenerator(name: string): FrontInput['root'] {
    const root = rootExpiring(22 * DAY);
    return { ...root, snapshot: { ...root.snapshot, generator: { name, version: '1', format: 1 } } };
  }
});

test('when a mirror is served below a path, every absolute link of a page begins with it', async () => {
  const base = '/channels/canary';
  const part = { ...FOLDER, base, previous: 'a', next: 'b' };
  for (const page of [
    await folderPage({ ...part, folder: 'index/formulas/' }),
    await folderPage({ ...part, folder: '', view: undefined }),
    await renderVerify({ ...REPORT, failures: [FAILURE] }, { base }),
    await verifiedFilePage({ path: 'bottles/jq.tar.gz', state: 'verified', evidence: 'bytes' }, 1, base),
    await problemPage({ status: 424, title: '', detail: '', code: 'missing', path: 'bottles/jq-1.gz' }, base),
  ]) {
    const links = [...page.matchAll(/(?:href|action)="(\/[^"]*)"/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !link?.startsWith(`${base}/`))).toEqual([]);
  }
});

describe('the content security policy', () => {
  const pages = [
    ['front', () => render()],
    ['results', () => renderResults([jq], 'jq')],
    ['static front', () => renderStatic()],
    ['verify', () => renderVerify(REPORT)],
    ['folder', () => folderPage(FOLDER)],
    [
      'problem',
      () => problemPage({ status: 503, title: 'Not now', detail: 'Nothing is published yet.' }, ''),
    ],
  ] as const;

  test.each(pages)(
    'when the %s page is made, it names its style and script and nothing else',
    async (_, rendered) => {
      const page = await rendered();
      const styles = blocksOf(page, 'style');
      const scripts = blocksOf(page, 'script');
      expect(styles.length).toBe(1);
      for (const text of [...styles, ...scripts]) expect(CONTENT_SECURITY_POLICY).toContain(hashOf(text));
      expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|\*|http/);
    },
  );

  test.each(pages)(
    'when the %s page is made, it has nothing that the policy would block',
    async (_, rendered) => {
      const page = await rendered();
      expect(page).not.toMatch(/\s(?:style|on[a-z]+)=/);
      expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    },
  );

  const blocksOf = (page: string, name: string) =>
    [...page.matchAll(new RegExp(`<${name}[^>]*>(.*?)</${name}>`, 'gs'))].map(([, text]) => text ?? '');

  const hashOf = (text = '') => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
});
