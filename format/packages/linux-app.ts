import type { PackageKind } from './kind.ts';

/** A Linux app: an AppImage, or the description of a Flatpak. */
export const linuxApp = {
  id: 'linux-app',
  label: 'Linux app',
  plural: 'Linux apps',
  folder: 'linux-apps',
  index: 'linux-apps',
  key: 'linux_apps',
} as const satisfies PackageKind;
