import { html } from 'hono/html';
import { BEFORE_FIRST_UPDATE } from '../format/client-config.ts';
import { PACKAGE_LIST } from '../format/layout.ts';
import { keyIdText, type PublicKey, publicKeyLine } from '../format/minisign/public-key.ts';
import type { Html } from './html.ts';

/** What the page must know to say how to use the mirror. */
export interface Use {
  /** URL of the mirror, for commands. */
  clientOrigin: string;
  stoutConfig: string;
  /** True if the mirror serves brew too. */
  hasBrew: boolean;
  /** True if it answers the API, which a host that only sends files does not. */
  hasApi: boolean;
}

/** Shows how to use the mirror with each client. One is open at a time, without a script. */
export const useSection = ({
  clientOrigin: origin,
  stoutConfig,
  hasBrew,
  hasApi,
}: Use): Html => html`<section class="use" aria-labelledby="clients">
  <h2 id="clients">Use this mirror</h2>
  <details name="use" open>
    <summary>stout</summary>
    <p>Once. This replaces the present configuration and index of stout.</p>
    ${listing('Terminal', commands(origin, '.stout', 'stout.toml', 'config.toml', STOUT_UPDATE))}
    <p>Then install what you need: <code data-copy>stout install NAME</code></p>
    <details>
      <summary>The configuration by hand</summary>
      <p>Put this into <code>~/.stout/config.toml</code>, then run <code>stout update</code>.</p>
      ${listing('~/.stout/config.toml', stoutConfig.trimEnd())}
    </details>
  </details>
  ${hasBrew && brewUse(origin)}
  <details name="use">
    <summary>curl</summary>
    <p>${hasApi ? 'All packages, and one with its files and checksums.' : 'All packages, and the signed list of all files with their checksums.'}</p>
    ${listing('Terminal', `curl -fsS ${origin}/${PACKAGE_LIST}\ncurl -fsS ${origin}/${hasApi ? 'api/v1/packages/NAME' : 'manifest.json'}`)}
  </details>
</section>`;

const brewUse = (origin: string): Html => html`<details name="use">
    <summary>brew</summary>
    <p>Once. This replaces the present <code>brew.env</code>. The file lists its other settings.</p>
    ${listing('Terminal', commands(origin, '.homebrew', 'brew.env', 'brew.env', 'brew update'))}
    <p>Then install what you need: <code data-copy>brew install NAME</code></p>
  </details>`;

const STOUT_UPDATE = `${BEFORE_FIRST_UPDATE.replaceAll('; ', '\n')}\nstout update`;

const commands = (origin: string, folder: string, config: string, file: string, update: string): string =>
  `mkdir -p ~/${folder}
curl -fsS ${origin}/config/${config} \\
  -o ~/${folder}/${file}
${update}`;

/** Shows the public keys, and how to check a signature without any of this project's code. */
export const keySection = (
  origin: string,
  keys: readonly PublicKey[],
  signer: PublicKey,
): Html => html`<section aria-labelledby="key">
  <h2 id="key">Check it yourself</h2>
  <div class="columns">
    <div>
      <h3>${keys.length === 1 ? 'Public key' : 'Public keys'}</h3>
      ${keys.map((key) => listing(`Key ${keyIdText(key.keyId)}`, publicKeyLine(key)))}
      <p>Compare it with one that reached you by another way: no page can vouch for itself.</p>
    </div>
    <div>
      <h3>With minisign</h3>
      ${listing('Terminal', minisignCommands(origin, signer))}
    </div>
  </div>
</section>`;

const minisignCommands = (origin: string, signer: PublicKey): string =>
  `curl -fO ${origin}/index/formulas.db
curl -fO ${origin}/index/formulas.db.sig
minisign -V -m formulas.db -x formulas.db.sig \\
  -P ${publicKeyLine(signer)}`;

/** Shows text to copy. Each line is a block, so that the indent shows a wrapped line as one. */
export const listing = (label: string, text: string): Html =>
  html`<div class="listing"><p>${label}</p><pre>${text.split('\n').map(
    (line) => html`<span>${line}
</span>`,
  )}</pre></div>`;
