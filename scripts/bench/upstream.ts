import { createHash } from 'node:crypto';
import { writeIndexDatabase } from '../../builder/database/database.ts';
import { cask } from '../../format/packages/cask.ts';
import { type Dependencies, formula } from '../../format/packages/formula.ts';
import { payload, sha256 } from '../sample/bytes.ts';
import { openTree, type Tree } from '../sample/tree.ts';
import { indexRows } from './index-rows.ts';

const PUBLISHED = { version: '2026.11.01.0800', createdAt: '2026-11-01T08:00:00.000Z' };
const UPDATED_AT = 1_790_000_000;
const TAGS = ['arm64_tahoe', 'arm64_sequoia', 'arm64_sonoma', 'sonoma', 'arm64_linux', 'x86_64_linux'];

/** How large a made-up upstream is. */
export interface UpstreamSize {
  formulas: number;
  casks: number;
  /** Bytes of a formula's bottle, where it is to be downloaded. */
  bottleBytes?: (index: number) => number | undefined;
  /** This many formulas, from the first on, are one version newer. */
  newer?: number;
}

export const formulaName = (index: number): string => `formula-${String(index).padStart(5, '0')}`;

/** Writes an upstream in stout-index's layout, of the size and shape of the real one; equal sizes give equal bytes. */
export async function writeBenchUpstream(directory: string, size: UpstreamSize): Promise<void> {
  const tree = openTree(directory);
  const formulas = await writeFormulas(tree, size);
  const casks = await writeCasks(tree, size.casks);
  const { version, createdAt: created_at } = PUBLISHED;
  await tree.writeManifest('manifest.json', { version, created_at, indexes: { formulas, casks } });
}

async function writeFormulas(tree: Tree, { formulas, bottleBytes, newer = 0 }: UpstreamSize) {
  const packages: ReturnType<typeof indexRows>[] = [];
  for (let index = 0; index < formulas; index++) {
    const name = formulaName(index);
    const version = index < newer ? '1.1.0' : '1.0.0';
    const bytes = bottleBytes?.(index);
    const bottle = bytes === undefined ? undefined : await writeBottle(tree, name, version, bytes);
    const dependencies = {
      ...{ runtime: index % 3 === 0 ? [formulaName(index >> 1)] : [], build: ['formula-00001'] },
      ...{ test: [], optional: [], recommended: [] },
    };
    const json = formulaJson(name, version, dependencies, bottle);
    const jsonHash = await tree.writePackage('formulas', name, json);
    packages.push(indexRows(formula, json, { jsonHash, updatedAt: UPDATED_AT, platforms: TAGS }));
  }
  const index = await tree.writeIndex('formulas', (path) =>
    writeIndexDatabase(path, formula, { ...PUBLISHED, packages, mirror: false }),
  );
  return { count: packages.length, db_sha256: index.sha256, db_size: index.size };
}

async function writeBottle(tree: Tree, name: string, version: string, bytes: number) {
  const part = payload(`${name} ${version}`);
  const bottle = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += part.length) part.copy(bottle, at);
  const url = `bottles/${name}-${version}.tar.gz`;
  await tree.write(url, bottle);
  return { url, sha256: sha256(bottle) };
}

function formulaJson(
  name: string,
  version: string,
  dependencies: Dependencies,
  bottle: { url: string; sha256: string } | undefined,
) {
  const bottles = TAGS.map((tag) => {
    const hex = sha256(`${name} ${version} ${tag}`);
    const own = { url: `https://ghcr.io/v2/homebrew/core/${name}/blobs/sha256:${hex}`, sha256: hex };
    return [tag, { ...(bottle ?? own), cellar: ':any' }];
  });
  return {
    ...{ name, version, revision: 0, desc: descriptionOf(name), homepage: `https://${name}.example.org/` },
    ...{ license: 'MIT', tap: 'homebrew/core' },
    urls: {
      stable: { url: `https://${name}.example.org/${version}.tar.gz`, sha256: sha256(name) },
      head: null,
    },
    ...{ bottles: Object.fromEntries(bottles), dependencies, aliases: [], conflicts_with: [], caveats: null },
    flags: { keg_only: false, deprecated: false, disabled: false, has_post_install: false },
    ...{ service: null, meta: { ruby_source_path: `Formula/${name}.rb`, tap_git_head: '0'.repeat(40) } },
  };
}

async function writeCasks(tree: Tree, count: number) {
  const packages: ReturnType<typeof indexRows>[] = [];
  for (let index = 0; index < count; index++) {
    const json = caskJson(`cask-${String(index).padStart(5, '0')}`);
    const jsonHash = await tree.writePackage('casks', json.token, json);
    packages.push(indexRows(cask, json, { jsonHash, updatedAt: UPDATED_AT }));
  }
  const index = await tree.writeIndex('casks', (path) =>
    writeIndexDatabase(path, cask, { ...PUBLISHED, packages, mirror: false }),
  );
  return { count: packages.length, db_sha256: index.sha256, db_size: index.size };
}

function caskJson(token: string) {
  const url = `https://${token}.example.com/downloads/${token}.dmg`;
  return {
    ...{ token, name: [token], version: '1.0', sha256: sha256(token), url },
    ...{ homepage: `https://${token}.example.com/`, desc: descriptionOf(token), tap: 'homebrew/cask' },
    artifacts: [{ type: 'app', source: `${token}.app` }],
    ...{ depends_on: { macos: { '>=': ['13'] } }, auto_updates: false, deprecated: false, disabled: false },
  };
}

const WORDS =
  'fast small tool library client server for parsing signing building files networks data text'.split(' ');

/** Words that a name alone decides, as many as descriptions have. */
function descriptionOf(name: string): string {
  const digest = createHash('sha256').update(name).digest();
  return [...digest.subarray(0, 8)].map((byte) => WORDS[byte % WORDS.length]).join(' ');
}
