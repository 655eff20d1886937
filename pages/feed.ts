import { html } from 'hono/html';
import type { SnapshotChanges } from '../format/changes.ts';
import { isoSeconds } from '../format/iso-seconds.ts';
import { changeText, countsText, grouped } from './changes-text.ts';
import type { Html } from './html.ts';

/** Entries of the feed. */
export const MAX_ENTRIES = 20;
/** Packages named in one entry. */
const MAX_NAMES = 100;
/** The authority of our tag URIs (RFC 4151): a name of the project's, and a date on which it had it. */
const TAG = 'tag:neul-labs.github.io,2026:stout-mirror';

/** Everything that the feed needs. */
export interface FeedInput {
  /** Scheme, host and base under which readers reach the mirror, without credentials. */
  url: string;
  /** Path below which this mirror is served, as in `/channels/canary`: each channel has its own feed. */
  base: string;
  /** Id of the mirror: the same entries of any copy of it have the same ids. */
  mirror: string;
  /** When the live snapshot was made, RFC 3339. */
  created_at: string;
  /** The newest first. */
  snapshots: readonly SnapshotChanges[];
}

/** Returns an Atom feed (RFC 4287) of what changed, an entry a snapshot. */
export async function changesFeed({ url, base, mirror, created_at, snapshots }: FeedInput): Promise<string> {
  const shown = snapshots.slice(0, MAX_ENTRIES);
  const [newest] = shown;
  const title = `Packages of ${new URL(url).host}`;
  const feed = await html`<feed xmlns="http://www.w3.org/2005/Atom">
<id>${TAG}/${mirror}${base}</id>
<title>${title}</title>
<updated>${newest ? isoSeconds(newest.created_at) : created_at}</updated>
<author><name>${title}</name></author>
<link rel="self" type="application/atom+xml" href="${url}/changes.atom"/>
<link rel="alternate" type="text/html" href="${url}/changes"/>
${shown.map((one) => entry(one, url, mirror))}</feed>
`;
  return legalXml(`<?xml version="1.0" encoding="utf-8"?>\n${feed}`);
}

const entry = (one: SnapshotChanges, url: string, mirror: string): Html => html`<entry>
<id>${TAG}/${mirror}/${one.version}</id>
<title>${countsText(one)}</title>
<updated>${isoSeconds(one.created_at)}</updated>
<link rel="alternate" type="text/html" href="${url}/changes?from=${one.version}#v${one.version}"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">${contentOf(one, url)}</div></content>
</entry>
`;

function contentOf({ version, packages = [] }: SnapshotChanges, url: string): Html {
  const hidden = packages.length - MAX_NAMES;
  return html`<p>Snapshot ${version}</p>${grouped(packages.slice(0, MAX_NAMES)).map(
    ([title, members]) =>
      html`<p>${title}</p><ul>${members.map((one) => html`<li>${changeText(one, url)}</li>`)}</ul>`,
  )}${hidden > 0 && html`<p>and ${hidden} more</p>`}`;
}

/** Replaces what no XML document may have, even escaped (XML 1.0 section 2.2). */
const legalXml = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are forbidden
  text.toWellFormed().replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
