import { gunzipSync } from 'node:zlib';
import { sha256 } from '../bytes.ts';
import { BUILT_AT, kegVersion, tabOf } from '../tab.ts';
import type { Tree } from '../tree.ts';
import { imageOf, type SampleBottle, type SampleFormula } from './formulas.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** Writes the image of each formula: its OCI index, and for each platform manifest and configuration, as ghcr.io has them. */
export async function writeImages(tree: Tree, formulas: readonly SampleFormula[]): Promise<void> {
  for (const item of formulas) await writeImage(tree, item);
}

async function writeImage(tree: Tree, { formula, bottles }: SampleFormula): Promise<void> {
  const version = kegVersion(formula);
  const reference = formula.rebuild > 0 ? `${version}-${formula.rebuild}` : version;
  const folder = `v2/homebrew/core/${imageOf(formula.name)}`;
  const manifests = [];
  for (const bottle of bottles) {
    const { tag } = bottle;
    const refName = `${version}.${tag}${formula.rebuild > 0 ? `.${formula.rebuild}` : ''}`;
    const platform = platformOf(tag);
    const manifest = await writeManifest(tree, folder, bottle, refName);
    const annotations = {
      'org.opencontainers.image.ref.name': refName,
      'sh.brew.bottle.digest': bottle.sha256,
      'sh.brew.bottle.size': String(bottle.bytes.length),
      'sh.brew.bottle.installed_size': String(2 * bottle.bytes.length),
      'sh.brew.license': formula.license,
      'sh.brew.path_exec_files': `bin/${formula.name}`,
      'sh.brew.tab': JSON.stringify(tabOf(formula, tag)),
    };
    manifests.push({ ...manifest, ...(platform ? { platform } : {}), annotations });
  }
  const index = {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests,
    annotations: {
      'com.github.package.type': 'homebrew_bottle',
      'org.opencontainers.image.created': BUILT_AT.toISOString(),
      'org.opencontainers.image.description': formula.desc,
      'org.opencontainers.image.licenses': formula.license,
      'org.opencontainers.image.ref.name': reference,
      'org.opencontainers.image.title': `homebrew/core/${formula.name}`,
      'org.opencontainers.image.url': formula.homepage,
      'org.opencontainers.image.vendor': 'homebrew',
      'org.opencontainers.image.version': version,
    },
  };
  await writeDocument(tree, `${folder}/manifests`, index, INDEX);
  await tree.write(`${folder}/manifests/${reference}`, JSON.stringify(index));
}

/** The image of one platform: its configuration and one layer, which is the bottle. */
async function writeManifest(
  tree: Tree,
  folder: string,
  { tag, sha256: digest, bytes }: SampleBottle,
  refName: string,
): Promise<Descriptor> {
  const { architecture = 'amd64', os = 'linux' } = platformOf(tag) ?? {};
  const rootfs = { type: 'layers', diff_ids: [`sha256:${sha256(gunzipSync(bytes))}`] };
  const config = await writeDocument(tree, `${folder}/blobs`, { architecture, os, rootfs }, CONFIG);
  const layer = { mediaType: LAYER, digest: `sha256:${digest}`, size: bytes.length };
  const annotations = { 'org.opencontainers.image.ref.name': refName, 'sh.brew.bottle.digest': digest };
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer], annotations };
  return writeDocument(tree, `${folder}/manifests`, manifest, MANIFEST);
}

/** Writes a document under its digest and describes it. */
async function writeDocument(
  tree: Tree,
  folder: string,
  document: object,
  mediaType: string,
): Promise<Descriptor> {
  const text = JSON.stringify(document);
  const digest = `sha256:${sha256(text)}`;
  await tree.write(`${folder}/${digest}`, text);
  return { mediaType, digest, size: Buffer.byteLength(text) };
}

/** As registries name the platform of a tag; a bottle for all platforms names none. */
function platformOf(tag: string): { architecture: string; os: string } | undefined {
  if (tag === 'all') return undefined;
  const os = tag.endsWith('_linux') ? 'linux' : 'darwin';
  return { architecture: tag.startsWith('arm64') ? 'arm64' : 'amd64', os };
}
