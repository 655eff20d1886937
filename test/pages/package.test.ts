import { describe, expect, test } from 'vitest';
import type { PackageRecord } from '../../format/package-record.ts';
import { type PackageInput, packagePage } from '../../pages/package.ts';
import type { ShownPackage } from '../../pages/package-view.ts';
import { HOSTILE, RECORDS } from '../support/described-mirror.ts';

const BASE = '/channels/canary';
const URL_OF = `https://mirror.example${BASE}`;

const shown = (record: PackageRecord): ShownPackage => ({
  ...record,
  files: record.files.map((file) => ({
    ...{ path: file.path, sha256: file.sha256, tags: file.tags, url: `${URL_OF}/${file.path}` },
    signed_since: '2026-11-01T12:00:00Z',
  })),
});

const packages = (name: string): ShownPackage[] => RECORDS.filter((one) => one.name === name).map(shown);

const render = (name: string, changes: Partial<PackageInput> = {}): Promise<string> =>
  packagePage({
    ...{ base: BASE, clientBase: URL_OF, name, packages: packages(name), brew: true, warning: undefined },
    ...changes,
  });

/** The text of each listing. */
const commandsOf = (page: string): string[] =>
  [...page.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, text = '']) =>
    text.replaceAll(/<[^>]*>/g, '').replaceAll('&#39;', "'"),
  );

const [DOWNLOAD] = packages('jq');
const of = DOWNLOAD?.files[0];

describe('the page of a package', () => {
  test('says what it is, and how each client installs it', async () => {
    const page = await render('jq');
    for (const piece of ['Formula 1.8.0', 'command-line JSON processor', 'MIT', 'homebrew/core'])
      expect(page).toContain(piece);
    expect(page).toContain(
      '<a href="https://jqlang.github.io/jq/" rel="nofollow noopener noreferrer">https://jqlang.github.io/jq/</a>',
    );
    expect(page).toContain('Asked for in mirror.toml:4');
    const [jq] = packages('jq');
    const all = jq ? [{ ...jq, asked_for: { place: '--all' } }] : [];
    expect(await render('jq', { packages: all })).toContain('Asked for with --all');
    const [stout, brew, curl, ...others] = commandsOf(page);
    expect([stout, brew]).toEqual(['stout install jq\n', 'brew install jq\n']);
    expect(curl).toBe(
      `curl -fL ${URL_OF}/${of?.path} \\\n  -o ${of?.path.slice(8)}\necho '${of?.sha256}  ${of?.path.slice(8)}' | shasum -a 256 -c\n`,
    );
    expect(others.length).toBe(4);
    expect(others.at(-1)).toContain('| sha256sum -c');
  });

  test('names brew only where the mirror has what brew asks for', async () => {
    expect(commandsOf(await render('jq', { brew: false })).join('')).not.toContain('brew install');
    expect(await render('docker', { brew: false })).not.toContain('from its vendor');
  });

  test.each([
    ['docker', 'stout install --cask docker', 'brew takes the file of a cask from its vendor'],
    ['krita', '| sha256sum -c', 'No client installs Linux apps yet'],
    ['gtk+3', `curl -fL ${URL_OF}/bottles/gtk%2B3-3.24.50.sonoma.bottle.tar.gz`, 'Deprecated'],
    ['docker', 'curl -fL', 'No upstream checksum'],
    ['docker', 'curl -fL', 'Disabled'],
    ['openssl@3', 'stout install openssl@3', 'Held back: openssl@3 3.6.0 (min-age, until'],
    ['jq', 'stout install jq', 'CVE-2025-49014'],
  ])('%s has the command %s, and says %s', async (name, command, piece) => {
    const page = await render(name);
    expect(commandsOf(page).join('')).toContain(command);
    expect(page).toContain(piece);
  });

  test('has a part for each kind that shares the name, with its heading', async () => {
    const page = await render('docker');
    expect(page).toMatch(/<article class="package" id="formula".*<h2>Formula 28.3.3<\/h2>/s);
    expect(page).toMatch(/<article class="package" id="cask".*<h2>Cask 4.45.0<\/h2>/s);
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('of a package that a rule keeps out says so, and offers no command', async () => {
    const page = await render('wget');
    expect(page).toContain('Not in this mirror');
    expect(page).toContain('licence GPL-3.0-or-later is not allowed');
    expect(commandsOf(page)).toEqual([]);
  });

  test('links what is here, and only that, below the base', async () => {
    const page = await render('jq');
    expect(page).toContain(`<a href="${BASE}/packages/oniguruma">oniguruma</a>`);
    expect(page).toMatch(/autoconf\s*<small>not in this mirror<\/small>/);
    const links = [...page.matchAll(/ (?:href|action)="(\/[^"]*)"/g)].map(([, href = '']) => href);
    expect(links.length).toBeGreaterThan(8);
    expect(links.filter((href) => !href.startsWith(`${BASE}/`))).toEqual([]);
  });

  test('when all of its text is hostile, it stays text, and no link leads to a script', async () => {
    const page = await render('evil', { warning: HOSTILE });
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img');
    expect(page).not.toMatch(/href="(?!https?:|\/|#|data:image)/);
    expect(page).toContain('javascript://a/%0aalert(1)');
  });

  test('of the Ruby that brew runs on says why it is here', async () => {
    const [one] = packages('gtk+3');
    const name = 'portable-ruby';
    const page = await render(name, { packages: one ? [{ ...one, name }] : [] });
    expect(page).toContain('<dt>Why it is here</dt><dd>brew runs on it</dd>');
  });

  test('when a thousand packages need it, the page stays small, and says where all of them are', async () => {
    const needed_by = Array.from({ length: 1000 }, (_, at) => ({
      ...{ kind: 'formula' as const, name: `a-package-with-a-long-name-${at}` },
    }));
    const [one] = packages('openssl@3');
    // No formula has bottles for more platforms.
    const files = Array.from({ length: 14 }, () => one?.files[0] ?? expect.unreachable());
    const page = await render('openssl@3', { packages: one ? [{ ...one, needed_by, files }] : [] });
    expect(page.length).toBeLessThan(60_000);
    expect(page).toContain('Needed by 1,000 packages');
    expect(page).toContain(`<a href="${BASE}/api/v1/packages/openssl@3">All 1,000 as JSON</a>`);
    expect(page).toMatch(/<details><summary>1,000 packages<\/summary>/);
  });
});
