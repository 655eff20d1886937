import { join, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { localPath } from '../../builder/directory/paths.ts';
import { bottleManifestPath, bottlePath } from '../../format/bottle.ts';
import { apiPath, packageJsonPath } from '../../format/layout.ts';
import { encodePath, isTreePath, treePath } from '../../format/paths.ts';
import { appFile, caskFile } from '../format/package-files.ts';
import { hostile } from './mutation.ts';
import { anyText, count, type Effort, holds, parsed, plainName } from './support.ts';

const part = fc.oneof(
  plainName,
  hostile(['jq', 'openssl@3', 'gtk+3', '1.7.1_1', 'arm64_sonoma', 'tar.gz', 'aux']),
);

export function layoutProperties(effort: Effort): void {
  describe('paths', () => {
    holds(
      'whatever a package is called, its files stand below the mirror or nowhere',
      effort,
      fc.tuple(part, part, part, count),
      async ([a, b, c, number]) => {
        const makers = [
          () => bottlePath({ name: a, version: b, revision: number, tag: c, rebuild: number }),
          () => caskFile(a, b, `https://example.org/file.${c}`),
          () => appFile(a, b, `file.${c}`),
          () => packageJsonPath('formulas', a),
          () => bottleManifestPath(a, b),
          () => apiPath(`${a}/${b}`),
        ];
        for (const make of makers) {
          const path = await parsed(make);
          // Nothing for an address that is none of a file.
          if (path) expectPlain(path);
        }
      },
    );

    holds(
      'a path of the tree is a path of plain names',
      effort,
      fc.oneof(anyText, hostile(['bottles/jq-1.7.1.all.bottle.tar.gz', 'a/../b', '/a'])),
      async (text) => {
        const path = await parsed(() => treePath(text));
        if (path !== undefined) expectPlain(path);
        if (isTreePath(text)) expect(path).toBe(text);
      },
    );

    holds('plain names make a path', effort, fc.array(plainName, { minLength: 1, maxLength: 5 }), (names) => {
      expectPlain(names.join('/'));
      expect(isTreePath(names.join('/'))).toBe(true);
    });
  });
}

/** Below the mirror on every file system, and the same path again from a URL. */
function expectPlain(path: string): void {
  expect(treePath(path)).toBe(path);
  expect(path).toMatch(/^[\x21-\x7e]+$/);
  const local = localPath(`${sep}mirror`, path);
  expect(local).toBe(join(`${sep}mirror`, ...path.split('/')));
  expect(local.startsWith(`${sep}mirror${sep}`)).toBe(true);
  const { pathname } = new URL(`https://mirror.example/${encodePath(path)}`);
  expect(decodeURIComponent(pathname)).toBe(`/${path}`);
}
