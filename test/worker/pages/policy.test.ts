import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ListedPackage } from '../../../format/package-list.ts';
import type { ListedFile } from '../../../worker/listing.ts';
import { folderPage } from '../../../worker/pages/folder.ts';
import { problemPage } from '../../../worker/pages/problem.ts';
import { CONTENT_SECURITY_POLICY } from '../../../worker/pages/security-policy.ts';
import type { StatusInput } from '../../../worker/pages/status.ts';
import { verifyPage } from '../../../worker/pages/verify.ts';
import { DAY, HOSTILE, jq, NOW, REPORT, render, rootExpiring } from './support.ts';

const FILE: ListedFile = { name: 'jq.tar.gz', type: 'file', size: 7, modified: '2025-11-01T00:00:00.000Z' };

describe('hostile text', () => {
  const hostile: ListedPackage = { ...jq, name: HOSTILE, version: HOSTILE, desc: HOSTILE, tags: [HOSTILE] };
  const folded: ListedPackage = { ...hostile, tags: [HOSTILE, `${HOSTILE}_linux`] };
  const words = { title: HOSTILE, detail: HOSTILE, hint: HOSTILE };
  const fields = { ...words, expected: HOSTILE, found: HOSTILE, request_id: HOSTILE };
  const escaped = [
    ['a package', () => render({}, [hostile, folded])],
    ['the configuration', () => render({ stoutConfig: HOSTILE })],
    ['the generator', () => render({ root: withGenerator(HOSTILE) })],
    ['a problem', () => problemPage({ status: 404, ...fields })],
  ] as const;

  test.each(escaped)('when %s holds markup, it becomes text', async (_, rendered) => {
    const page = await rendered();
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img');
  });

  test('when a name holds what URLs reserve, its link stays below the API', async () => {
    const page = await render({}, [{ ...jq, name: '../x?y#z' }]);
    expect(page).toContain('href="/api/v1/packages/..%2Fx%3Fy%23z"');
  });

  function withGenerator(name: string): StatusInput['root'] {
    const root = rootExpiring(22 * DAY);
    return { ...root, snapshot: { ...root.snapshot, generator: { name, version: '1', format: 1 } } };
  }
});

describe('the content security policy', () => {
  const pages = [
    ['status', () => render()],
    ['verify', () => verifyPage(REPORT, NOW)],
    ['folder', () => folderPage({ folder: 'bottles/', entries: [FILE], next: undefined }, 1)],
    ['problem', () => problemPage({ status: 503, title: 'Not now', detail: 'Nothing is published yet.' })],
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
