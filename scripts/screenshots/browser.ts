import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Starts the system's Chromium, headless. Its sandbox does not start for root, as in most containers. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findProgram('chromium');
  // Grey edges of letters, which look the same on every screen.
  const args = ['--disable-lcd-text', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  return chromium.launch({ executablePath, args });
}

/** Where a program is, as a shell would find it. */
function findProgram(name: string): string {
  const places = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  const found = places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found !== undefined) return found;
  throw new Error(`${name} is not installed: apt-get install ${name}`);
}
