import { isSha256 } from '../../format/digest.ts';
import { linuxAppPath } from '../../format/layout.ts';
import { LATEST, UNCHECKED, type UncheckedFiles } from './casks.ts';
import type { CatalogLinuxApp } from './catalog.ts';
import { fileExtension } from './file-extension.ts';
import { named } from './naming.ts';
import type { PlannedLinuxApp, Remark } from './plan.ts';

/** A Linux app with its AppImage; a Flatpak is only described, as it comes from its own remote. Throws `bad-input`. */
export function planLinuxApp(
  app: CatalogLinuxApp,
  { unchecked, before }: UncheckedFiles,
): { planned?: PlannedLinuxApp; skipped: Remark[] } {
  const { token, version, download_url: url, json_hash: upstreamHash } = app;
  if (app.source !== 'appimage' || url === null) {
    return { planned: { app, upstreamHash, file: undefined, mirrored: true }, skipped: [onlyDescribed(app)] };
  }
  const path = named(token, () => linuxAppPath(token, version, fileExtension(url)));
  const sha256 = app.sha256 !== null && isSha256(app.sha256) ? app.sha256 : undefined;
  if (sha256 === undefined && !unchecked) return { skipped: [{ name: token, reason: UNCHECKED }] };
  const stays = sha256 === undefined && version !== LATEST ? before(path) : undefined;
  const file = { of: token, path, url, sha256, before: stays };
  return { planned: { app, upstreamHash, file, mirrored: true }, skipped: [] };
}

/** Says why an app has no file here. */
export const onlyDescribed = ({ token, source }: { token: string; source: string }): Remark => ({
  name: token,
  reason: `only described: a ${source} is installed from its own remote`,
});
