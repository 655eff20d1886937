import { html } from 'hono/html';
import type { Check, Failure, VerifyReport } from '../../format/verify/report.ts';
import { VERIFY_SCRIPT } from './built.ts';
import { outcomeOf } from './failures.ts';
import type { Html } from './html.ts';
import { stateIcon } from './icons.ts';
import { page } from './page.ts';
import { agoText, bytesText, counted, countText } from './units.ts';

/** Returns the page of a verification: what it found, and the way to a deeper one. */
export function verifyPage(report: VerifyReport, now: Date): Promise<string> {
  return page({
    title: 'Verification',
    kicker: 'Package mirror',
    headline: 'Verification',
    lead: 'Every file of this mirror, compared with the list that its operator signed.',
    main: html`${verdict(report, now)}
${report.failures.length > 0 && failures(report.failures)}
${checks(report.checks)}`,
    footer: html`<nav aria-label="Elsewhere"><ul><li><a href="/">Status</a></li><li><a href="/api/v1/health">Health</a></li></ul></nav>
<p>JSON for <code>Accept: application/json</code></p>`,
    script: VERIFY_SCRIPT,
  });
}

function verdict(report: VerifyReport, now: Date): Html {
  const { ok, files, bytes, snapshot } = report;
  const age = now.getTime() - Date.parse(report.checked_at);
  const kind = ok ? (files.consistent > 0 ? 'doubtful' : 'current') : outcomeOf(report.failures).kind;
  return html`<section class="state state-${kind}" aria-labelledby="state">
  <div class="verdict">
    <h2 id="state">${stateIcon(kind)}${label(report)}</h2>
    <p>${meaning(report)}</p>
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
  ${deepCheck(report)}
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

const failures = (found: readonly Failure[]): Html => html`<section aria-labelledby="failures">
  <h2 id="failures">Findings</h2>
  <ul class="findings">${found.map(({ path, message }) => html`<li><code>${path}</code> ${message}</li>`)}</ul>
</section>`;

const deepCheck = ({ depth, cursor }: VerifyReport): Html => html`<div class="checks" id="deep-check">
    <div class="action">
      <div>
        <h3>Read every byte</h3>
        <p>This server reads and hashes each file, one part at a time, whatever storage recorded.${
          cursor !== null &&
          html` <a href="/verify?${new URLSearchParams({ ...(depth === 'deep' ? { deep: '1' } : {}), cursor })}">Continue where this stopped</a>`
        }</p>
      </div>
      <form id="deep" action="/verify"><input type="hidden" name="deep" value="1"><button>Start the deep check</button></form>
    </div>
    <div id="run" class="run" hidden>
      <progress max="1" aria-labelledby="so-far"></progress>
      <p><span id="so-far" role="status"></span> <button id="stop" type="button" hidden>Stop</button></p>
      <ul id="found" class="findings"></ul>
    </div>
  </div>`;

const checks = (made: readonly Check[]): Html => html`<section aria-labelledby="checks">
  <h2 id="checks">Further checks</h2>
  <table class="kept made">
    <thead><tr><th scope="col">Check</th><th scope="col">File</th><th scope="col">Result</th><th scope="col">Evidence</th></tr></thead>
    <tbody>${made.map(
      ({ name, path, state, evidence }) =>
        html`<tr><th scope="row">${name}</th><td><code>${path}</code></td><td class="${state.replaceAll(' ', '-')}">${state}</td><td>${evidence}</td></tr>`,
    )}</tbody>
  </table>
</section>`;
