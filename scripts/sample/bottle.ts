import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import { gzip, payload, sha256 } from './bytes.ts';
import type { CatalogFormula } from './catalog.ts';
import { sourcePath, sourceUrl } from './homebrew/formulas.ts';
import { BUILT_AT, kegVersion, tabOf } from './tab.ts';

/** Programs that brew runs itself: those of the sample, first in its PATH, must not take their place. */
const CLIENT_TOOLS: readonly string[] = ['curl', 'git', 'xz', 'zstd'];

/**
 * A small but working bottle of `formula` for a platform tag: a tar.gz of a keg with a script that says what it is,
 * Homebrew's receipt and formula file, a file with Homebrew's placeholders, and a payload. Equal arguments give equal bytes.
 */
export async function makeBottle(formula: CatalogFormula, tag: string): Promise<Buffer> {
  const { name } = formula;
  const keg = `${name}/${kegVersion(formula)}`;
  const pack = tar.pack();
  const add = (path: string, mode: number, content: string | Buffer) =>
    pack.entry({ name: `${keg}/${path}`, mode, mtime: BUILT_AT, uid: 0, gid: 0 }, content);
  add(`.brew/${name}.rb`, 0o644, formulaFile(formula));
  add('INSTALL_RECEIPT.json', 0o644, JSON.stringify(receipt(formula, tag), null, 2));
  add(`bin/${name}`, 0o755, script(formula, tag));
  add(`lib/pkgconfig/${name}.pc`, 0o644, pkgConfig(formula));
  add(`share/${name}/payload`, 0o644, payload(name));
  pack.finalize();
  return gzip(await buffer(pack));
}

/** Where the package is said to be installed: libraries on macOS have absolute paths that must be relocated. */
export function cellar(formula: CatalogFormula, tag: string): string {
  const isMac = tag !== 'all' && !tag.endsWith('_linux');
  return isMac && formula.dependencies.runtime.length > 0 ? ':any' : ':any_skip_relocation';
}

/** Says what it is. A tool that clients need does so only without arguments, and is otherwise the machine's own. */
function script(formula: CatalogFormula, tag: string): string {
  const { name } = formula;
  const own = `/usr/bin/${name}`;
  const passOn = CLIENT_TOOLS.includes(name) ? `[ $# -gt 0 ] && [ -x ${own} ] && exec ${own} "$@"\n` : '';
  return `#!/bin/sh\n${passOn}echo "${name} ${kegVersion(formula)} ${tag}"\n`;
}

function pkgConfig(formula: CatalogFormula): string {
  const { name, desc, version } = formula;
  const prefix = `@@HOMEBREW_CELLAR@@/${name}/${kegVersion(formula)}`;
  return `prefix=${prefix}\nName: ${name}\nDescription: ${desc}\nVersion: ${version}\n`;
}

function receipt(formula: CatalogFormula, tag: string): object {
  const { name, version, aliases, version_scheme } = formula;
  return {
    ...tabOf(formula, tag),
    used_options: [],
    unused_options: [],
    built_as_bottle: true,
    poured_from_bottle: false,
    loaded_from_api: false,
    installed_as_dependency: false,
    installed_on_request: false,
    time: null,
    aliases,
    source: {
      spec: 'stable',
      versions: { stable: version, head: null, version_scheme },
      path: sourcePath(name),
      tap_git_head: '0'.repeat(40),
      tap: 'homebrew/core',
    },
  };
}

function formulaFile(formula: CatalogFormula): string {
  const { name, desc, homepage, license, dependencies, revision } = formula;
  return [
    `class ${className(name)} < Formula`,
    `  desc ${JSON.stringify(desc)}`,
    `  homepage ${JSON.stringify(homepage)}`,
    `  url ${JSON.stringify(sourceUrl(formula))}`,
    `  version ${JSON.stringify(formula.version)}`,
    `  sha256 "${sha256(sourceUrl(formula))}"`,
    `  license ${licenseCode(license)}`,
    ...(revision > 0 ? [`  revision ${revision}`] : []),
    ...dependencies.build.map((dependency) => `  depends_on "${dependency}" => :build`),
    ...dependencies.runtime.map((dependency) => `  depends_on "${dependency}"`),
    'end\n',
  ].join('\n');
}

function licenseCode(license: string): string {
  const parts = license.split(' OR ').map((part) => JSON.stringify(part));
  return parts.length > 1 ? `any_of: [${parts.join(', ')}]` : parts.join();
}

function className(name: string): string {
  const words = name
    .replaceAll('+', 'x')
    .replace(/@(?=\d)/, 'AT')
    .split(/[-_.]/);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
