import { html } from 'hono/html';
import { BEFORE_FIRST_UPDATE } from '../../format/client-config.ts';
import { keyIdText, type PublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import type { Html } from './html.ts';

/** Shows how to point stout here. */
export const clientSection = (
  origin: string,
  stoutConfig: string,
): Html => html`<section aria-labelledby="clients">
  <h2 id="clients">Point a client here</h2>
  <div class="columns">
    <div>
      <h3>From a terminal</h3>
      <p>This replaces the present configuration and index of stout.</p>
      ${listing('Terminal', commands(origin, '.stout', 'stout.toml', 'config.toml', STOUT_UPDATE))}
    </div>
    <div>
      <h3>Or by hand</h3>
      <p>Put this into <code>~/.stout/config.toml</code>, then run <code>stout update</code>.</p>
      ${listing('~/.stout/config.toml', stoutConfig.trimEnd())}
    </div>
  </div>
</section>`;

/** Shows how to point brew here, where the mirror has what it asks for. */
export const brewSection = (origin: string): Html => html`<section aria-labelledby="brew">
  <h2 id="brew">Point brew here</h2>
  <p>This replaces the present <code>brew.env</code>. The file lists its other settings.</p>
  ${listing('Terminal', commands(origin, '.homebrew', 'brew.env', 'brew.env', 'brew update'))}
</section>`;

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

/** Each line is a block, so that the indent shows a wrapped line as one. */
const listing = (label: string, text: string): Html =>
  html`<div class="listing"><p>${label}</p><pre>${text.split('\n').map(
    (line) => html`<span>${line}
</span>`,
  )}</pre></div>`;
