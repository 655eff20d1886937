import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import { gzip, payload } from './bytes.ts';
import type { CatalogFormula } from './catalog.ts';

const BUILT_AT = new Date('2025-09-15T00:00:00Z');

/**
 * A small but working bottle of `formula` for a platform tag: a tar.gz of a keg with a script that says what it is,
 * Homebrew's receipt and formula file, and a payload. Equal arguments give equal bytes.
 */
export async function makeBottle(formula: CatalogFormula, tag: string): Promise<Buffer> {
  const { name } = formula;
  const keg = `${name}/${kegVersion(formula)}`;
  const pack = tar.pack();
  const add = (path: string, mode: number, content: string | Buffer) =>
    pack.entry({ name: `${keg}/${path}`, mode, mtime: BUILT_AT, uid: 0, gid: 0 }, content);
  add(`.brew/${name}.rb`, 0o644, formulaFile(formula));
  add('INSTALL_RECEIPT.json', 0o644, JSON.stringify(receipt(formula, tag), null, 2));
  add(`bin/${name}`, 0o755, `#!/bin/sh\necho "${name} ${kegVersion(formula)} ${tag}"\n`);
  add(`share/${name}/payload`, 0o644, payload(name));
  pack.finalize();
  return gzip(await buffer(pack));
}

/** The version as Homebrew writes it in paths: with the revision, when there is one. */
export function kegVersion({ version, revision }: CatalogFormula): string {
  return revision > 0 ? `${version}_${revision}` : version;
}

/** Where the package is said to be installed: libraries on macOS have absolute paths that must be relocated. */
export function cellar(formula: CatalogFormula, tag: string): string {
  const isMac = tag !== 'all' && !tag.endsWith('_linux');
  return isMac && formula.dependencies.runtime.length > 0 ? ':any' : ':any_skip_relocation';
}

function receipt({ name, version, aliases, dependencies }: CatalogFormula, tag: string) {
  return {
    homebrew_version: '4.6.11',
    built_as_bottle: true,
    poured_from_bottle: false,
    installed_as_dependency: false,
    installed_on_request: false,
    changed_files: [],
    time: null,
    aliases,
    runtime_dependencies: dependencies.runtime.map((full_name) => ({ full_name })),
    source: {
      path: `Formula/${name}.rb`,
      tap: 'homebrew/core',
      spec: 'stable',
      versions: { stable: version },
    },
    arch: tag.startsWith('arm64') ? 'arm64' : 'x86_64',
  };
}

function formulaFile({ name, desc, homepage, license, dependencies }: CatalogFormula): string {
  return [
    `class ${className(name)} < Formula`,
    `  desc ${JSON.stringify(desc)}`,
    `  homepage ${JSON.stringify(homepage)}`,
    `  license ${JSON.stringify(license)}`,
    ...dependencies.build.map((dependency) => `  depends_on "${dependency}" => :build`),
    ...dependencies.runtime.map((dependency) => `  depends_on "${dependency}"`),
    'end\n',
  ].join('\n');
}

function className(name: string): string {
  const words = name
    .replaceAll('+', 'x')
    .replace(/@(?=\d)/, 'AT')
    .split(/[-_.]/);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
