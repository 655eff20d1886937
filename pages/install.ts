import { html } from 'hono/html';
import type { KindId } from '../format/packages/kinds.ts';
import { encodePath } from '../format/paths.ts';
import { listing } from './clients.ts';
import type { Html } from './html.ts';
import type { ShownFile, ShownPackage } from './package-view.ts';

/** How clients install each kind. */
const COMMANDS: Readonly<Record<KindId, { stout?: string; brew?: string; note?: string }>> = {
  formula: { stout: 'stout install', brew: 'brew install' },
  cask: {
    stout: 'stout install --cask',
    brew: 'brew install --cask',
    note: 'brew takes the file of a cask from its vendor, not from here.',
  },
  'linux-app': { note: 'No client installs Linux apps yet: download the file.' },
};

/** How clients reach this mirror. */
export interface Reaching {
  /** Path below which the mirror is served. */
  base: string;
  /** Scheme, host and base for commands, without credentials. */
  clientBase: string;
  /** True if brew gets its API here. */
  brew: boolean;
}

/** Shows how to install a package with each client, and how to download its files. */
export function installSection(
  { kind, name, files }: ShownPackage,
  { base, brew: hasBrew, clientBase }: Reaching,
  id: string,
): Html {
  const { stout, brew, note } = COMMANDS[kind];
  const way = (file: ShownFile): Html => listing(labelOf(file), downloadOf(file, kind, clientBase));
  const [first, ...others] = files;
  return html`<section>
    <h2 id="${id}-install">Install</h2>
    <div class="ways">
    ${stout && listing('stout', `${stout} ${name}`)}
    ${brew && hasBrew && listing('brew', `${brew} ${name}`)}
    ${first && way(first)}
    </div>
    ${
      others.length > 0 &&
      html`<details class="more"><summary>curl for other platforms</summary><div class="ways">${others.map(way)}</div></details>`
    }
    <p class="remark">${stout && html`A client must first be <a href="${base}/#clients">pointed at this mirror</a>. `}${(hasBrew || !brew) && note}</p>
  </section>`;
}

const labelOf = ({ tags }: ShownFile): string => (tags.length === 0 ? 'curl' : `curl, ${tags.join(', ')}`);

/** Returns commands that download a file and check it. Linux has sha256sum, macOS shasum. */
function downloadOf({ path, sha256, tags }: ShownFile, kind: KindId, clientBase: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isForLinux = kind === 'linux-app' || tags.some((tag) => tag.endsWith('linux'));
  const check = isForLinux ? 'sha256sum' : 'shasum -a 256';
  return `curl -fL ${clientBase}/${encodePath(path)} \\\n  -o ${name}\necho '${sha256}  ${name}' | ${check} -c`;
}
