import { caskPath } from '../../format/layout.ts';
import type { UpstreamCask } from '../upstream/package-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { CatalogCask } from './catalog.ts';
import { fileExtension } from './file-extension.ts';
import { expectName, named } from './naming.ts';
import type { PlannedCask, PlannedFile, Remark } from './plan.ts';

/** The version of a cask whose file is replaced without notice. */
export const LATEST = 'latest';

/** A cask with its file, or one for each architecture; skipped when nothing says what they must be. */
export async function planCask(
  index: Upstream,
  { token, json_hash: upstreamHash, updated_at: updatedAt }: CatalogCask,
  { unchecked, before }: UncheckedFiles,
): Promise<{ planned?: PlannedCask; skipped: Remark[] }> {
  const json = await index.cask(token, upstreamHash);
  expectName(json.token, token);
  const files = named(token, () => caskFiles(json));
  if (!unchecked && [...files.values()].some((file) => file.sha256 === undefined)) {
    return { skipped: [{ name: token, reason: UNCHECKED }] };
  }
  for (const file of files.values()) {
    if (file.sha256 === undefined && json.version !== LATEST) file.before = before(file.path);
  }
  return { planned: { json, upstreamHash, updatedAt, files, mirrored: true }, skipped: [] };
}

/** How files are treated that the upstream has no checksum of. */
export interface UncheckedFiles {
  /** True when they are taken as they come. */
  unchecked: boolean;
  /** SHA-256 of the file that the mirror has at a path. */
  before: (path: string) => string | undefined;
}

/** Why a package is left out whose file nothing can be held against. */
export const UNCHECKED = 'no checksum upstream, so its file cannot be checked (--allow-unchecked takes it)';

/** A cask that the index only names. Throws as its parts do. */
export async function listCask(
  index: Upstream,
  { token, json_hash: upstreamHash, updated_at: updatedAt }: CatalogCask,
): Promise<{ planned: PlannedCask }> {
  const json = await index.cask(token, upstreamHash);
  expectName(json.token, token);
  return { planned: { json, upstreamHash, updatedAt, files: new Map(), mirrored: false } };
}

/** The files of a cask: one for each architecture, or one for all. */
function caskFiles(json: UpstreamCask): PlannedCask['files'] {
  const files: PlannedCask['files'] = new Map();
  for (const [arch, spec] of Object.entries(json.url_specs ?? {})) {
    files.set(arch, caskFile(json, arch, spec));
  }
  const sha256 = checksumOf(json.sha256);
  const isOneOfThem = [...files.values()].some((file) =>
    sha256 === undefined ? file.url === json.url : file.sha256 === sha256,
  );
  if (!isOneOfThem) files.set('', caskFile(json, '', json));
  return files;
}

function caskFile(
  { token, version }: UpstreamCask,
  arch: string,
  { url, sha256 }: { url: string; sha256: string | null },
): PlannedFile {
  const path = caskPath(token, version, arch, fileExtension(url));
  return { of: token, path, url, sha256: checksumOf(sha256) };
}

const checksumOf = (sha256: string | null): string | undefined =>
  sha256 === null || sha256 === 'no_check' ? undefined : sha256;
