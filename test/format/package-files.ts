import { cask } from '../../format/packages/cask.ts';
import { linuxApp } from '../../format/packages/linux-app.ts';
import { parseValue } from '../../format/parse.ts';

const onlyPath = (files: ReadonlyMap<string, { path: string }>): string => [...files.values()][0]?.path ?? '';

/** The path that a mirror gives the file of a cask, for every Mac or for one architecture. */
export function caskFile(token: string, version: string, url: string, arch?: 'arm64' | 'intel'): string {
  const file = { url, sha256: null };
  const specs = arch === undefined ? {} : { url_specs: { [arch]: file } };
  const json = parseValue(cask.schema, { token, version, ...file, ...specs }, token);
  return onlyPath(cask.offer(json, { tags: [arch === 'intel' ? 'sonoma' : 'arm64_sonoma'] }).files);
}

/** The path that a mirror gives an AppImage. */
export function appFile(token: string, version: string, url: string): string {
  const rest = { name: token, desc: null, homepage: null, sha256: null, icon_url: null, categories: null };
  const row = { ...rest, license: null, flatpak_id: null, snap_name: null };
  const json = { ...row, token, version, source: 'appimage', download_url: url };
  return onlyPath(linuxApp.offer(json).files);
}
