import { html } from 'hono/html';
import { encodePath, isTreePath } from '../format/paths.ts';
import type { Check, Failure, VerifyReport } from '../format/verify/report.ts';
import { VERIFY_SCRIPT } from './built.ts';
import { outcomeOf } from './failures.ts';
import type { Html } from './html.ts';
import { stateIcon } from './icons.ts';
import { page } from './page.ts';
import { agoText, bytesText, counted, countText, shareText } from './units.ts';

/** What the page of a verification shows. */
export interface VerifyInput {
  report: VerifyReport;
  now: Date;
  base: string;
  /** The name of the kept snapshot that was checked; `undefined` if that was the live one. */
  kept: string | undefined;
  /** What checks found here in the last hour, whatever this one did: the report that says most. */
  last: VerifyReport | undefined;
  /** The latest deep check here in the last hour, finished or not. */
  deep: VerifyReport | undefined;
  /** Where a deep check that is not finished continues, and what the signed list has before that. */
  position: { cursor: string; files: number; bytes: number } | undefined;
}

/** Returns the page of a verification: what it found, and the way to a deeper one. */
export function verifyPage(input: VerifyInput): Promise<string> {
  const { report, base, kept } = input;
  // A kept snapshot has a place for its files.
  const place = kept === undefined ? base : `/at/${encodeURIComponent(kept)}`;
  return page({
    title: 'Verification',
    kicker: 'Package mirror',
    headline: 'Verification',
    lead: `Every file of ${kept === undefined ? 'this mirror' : `the kept snapshot ${kept}`}, compared with the list that its operator signed.`,
    main: html`${verdict(input)}
${report.failures.length > 0 && failures(report.failures, place)}
${checks(report.checks, place)}`,
    footer: html`<nav aria-label="Elsewhere"><ul><li><a href="${base}/">Front page</a></li><li><a href="${base}/api/v1/health">Health</a></li></ul></nav>
<p>JSON for <code>Accept: application/json</code></p>`,
    ...{ base, current: '/verify', script: VERIFY_SCRIPT },
  });
}

function verdict(input: VerifyInput): Html {
  const { report, now, last } = input;
  const { files, bytes, snapshot } = report;
  const age = now.getTime() - Date.parse(report.checked_at);
  // What another check found here is not undone by one that has not looked at everything.
  const bad = report.ok && last?.ok === false ? last : report;
  const kind = bad.ok ? (files.consistent > 0 ? 'doubtful' : 'current') : outcomeOf(bad.failures).kind;
  return html`<section class="state state-${kind}" aria-labelledby="state">
  <div class="verdict">
    <h2 id="state">${stateIcon(kind)}${label(bad)}</h2>
    <p>${bad === report ? meaning(report) : `Another check here, ${agoText(now.getTime() - Date.parse(bad.checked_at))}, found ${outcomeOf(bad.failures).counted}.`}</p>
    <template id="bad">${stateIcon('bad')}</template>
    <template id="doubtful">${stateIcon('doubtful')}</template>
  </div>
  <dl class="evidence">
    <div><dt>Checked</dt><dd>${countText(files.checked)} of ${counted(files.total, 'file')} <small>${bytesText(bytes.checked)}</small></dd></div>
    <div><dt>By SHA-256</dt><dd>${counted(files.verified, 'file')} <small>verified</small></dd></div>
    ${files.consistent > 0 && html`<div><dt>By MD5 and size</dt><dd>${counted(files.consistent, 'file')} <small>consistent</small></dd></div>`}
    ${files.fetched > 0 && html`<div><dt>Fetched</dt><dd>${counted(files.fetched, 'file')} <small>on demand, and here by now</small></dd></div>`}
    ${files.on_demand > 0 && html`<div><dt>On demand</dt><dd>${counted(files.on_demand, 'file')} <small>not here, and need not be</small></dd></div>`}
    ${files.expired > 0 && html`<div><dt>Withdrawn</dt><dd>${counted(files.expired, 'file')} <small>superseded, no longer offered</small></dd></div>`}
    ${files.failed > 0 && html`<div><dt>Failed</dt><dd>${counted(files.failed, 'file')}</dd></div>`}
    ${snapshot && html`<div><dt>Mirror</dt><dd><code>${snapshot.mirror}</code></dd></div>`}
    <div><dt>Snapshot</dt><dd><code>${snapshot?.version ?? 'none'}</code></dd></div>
    <div><dt>Time</dt><dd>${agoText(age)}</dd></div>
  </dl>
  ${deepCheck(input)}
</section>`;
}

function label({ ok, complete, cursor, depth, files, failures }: VerifyReport): string {
  if (!ok) return outcomeOf(failures).label;
  const where = files.on_demand > 0 ? ' here' : '';
  const weak = files.consistent > 0 ? `, ${countText(files.consistent)} by MD5 alone` : '';
  if (complete)
    return depth === 'deep' ? `Every byte${where} is as signed` : `All files${where} agree${weak}`;
  return (cursor === null ? 'The rest is as signed' : 'As signed so far') + weak;
}

function meaning({ depth, cursor, files }: VerifyReport): string {
  const how =
    depth === 'deep'
      ? 'Each file was read to its end and hashed.'
      : 'What storage recorded of each file was compared with the signed list.';
  const weak =
    files.consistent > 0
      ? ' Where that is an MD5, it agrees, but two files can have the same one: only the deep check tells them apart.'
      : '';
  const part = cursor === null ? '' : ' This is one part; the rest has not been checked yet.';
  return how + weak + part;
}

const failures = (found: readonly Failure[], base: string): Html => html`<section aria-labelledby="failures">
  <h2 id="failures">Findings</h2>
  <ul class="findings">${found.map(({ path, message }) => html`<li>${fileLink(path, base)} ${message}</li>`)}</ul>
</section>`;

/** Links a file of the mirror to the check of its bytes. */
const fileLink = (path: string, base: string): Html =>
  isTreePath(path) && !path.startsWith('snapshot/')
    ? html`<a href="${base}/verify/${encodePath(path)}"><code>${path}</code></a>`
    : html`<code>${path}</code>`;

function deepCheck(input: VerifyInput): Html {
  const { report, base, kept, position } = input;
  const isQuick = report.depth === 'quick';
  const rest = isQuick || !position ? report.cursor : null;
  return html`<div class="checks" id="deep-check">
    <div class="action">
      <div>
        <h3>Read every byte</h3>
        <p>This server reads and hashes each file, one part at a time, whatever storage recorded. ${deepResult(input)}</p>
        ${rest !== null && html`<p><a href="${base}/verify?${queryOf(kept, isQuick ? { cursor: rest } : { deep: '1', cursor: rest })}">Continue the check above</a>${isQuick && ', without reading'}</p>`}
      </div>
      <form id="deep" action="${base}/verify"><input type="hidden" name="deep" value="1">${kept !== undefined && html`<input type="hidden" name="snapshot" value="${kept}">`}<button>Start the deep check</button></form>
    </div>
    ${position && whereItIs(position, report, base)}
    <div id="run" class="run" hidden>
      <progress max="1" aria-labelledby="so-far"></progress>
      <p><span id="so-far" role="status"></span> <button id="stop" type="button" hidden>Stop</button></p>
      <ul id="found" class="findings"></ul>
    </div>
    <p class="remark">What a check found is shown here for an hour. On Cloudflare, this server runs in many isolates, and each knows only its own checks.</p>
  </div>`;
}

/** Returns the query of a check of the same snapshot. */
const queryOf = (kept: string | undefined, fields: Record<string, string>): URLSearchParams =>
  new URLSearchParams({ ...fields, ...(kept === undefined ? {} : { snapshot: kept }) });

/** Shows how far a deep check is, and continues it. The script reads where it continues from the attributes of the link. */
function whereItIs(
  { cursor, files, bytes }: NonNullable<VerifyInput['position']>,
  report: VerifyReport,
  base: string,
): Html {
  const query = new URLSearchParams({ deep: '1', cursor });
  return html`<div id="so-far-read" class="run">
      <progress max="1" value="${shareOf(bytes, report.bytes.total)}" aria-label="Share of the bytes that come before"></progress>
      <p><span>${shareText(bytes, report.bytes.total)} of the bytes come before <code>${nameIn(cursor)}</code></span>
      <a id="continue" href="${base}/verify?${query}" data-cursor="${cursor}" data-files="${files}" data-bytes="${bytes}">Continue where this stopped</a></p>
    </div>`;
}

const shareOf = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

/** Returns the name of the file at which a cursor continues. */
const nameIn = (cursor: string): string => cursor.slice(cursor.indexOf(':') + 1);

/** Says what the latest deep check found here. */
function deepResult({ deep, now }: VerifyInput): Html | '' {
  if (!deep) return '';
  const { ok, complete, files, failures } = deep;
  const age = agoText(now.getTime() - Date.parse(deep.checked_at));
  const read = `${countText(files.verified + files.failed)} of ${counted(files.total, 'file')}`;
  if (!ok)
    return html`<b class="failed">The last one here, ${age}, found ${outcomeOf(failures).counted}.</b>`;
  if (complete)
    return html`<b class="passed">The last one here, ${age}, read ${read}: every byte is as signed.</b>`;
  return html`<b>One here has read ${read} so far, ${age}: as signed.</b>`;
}

const checks = (made: readonly Check[], base: string): Html => html`<section aria-labelledby="checks">
  <h2 id="checks">Further checks</h2>
  <table class="kept made">
    <thead><tr><th scope="col">Check</th><th scope="col">File</th><th scope="col">Result</th><th scope="col">Evidence</th></tr></thead>
    <tbody>${made.map(
      ({ name, path, state, evidence }) =>
        html`<tr><th scope="row">${name}</th><td>${checkedFile(path, base)}</td><td class="${state.replaceAll(' ', '-')}">${state}</td><td>${evidence}</td></tr>`,
    )}</tbody>
  </table>
</section>`;

/** A check may be of a folder, or of what is not listed. */
const checkedFile = (path: string, base: string): Html =>
  isTreePath(path)
    ? html`<a href="${base}/${encodePath(path)}"><code>${path}</code></a>`
    : html`<code>${path}</code>`;
