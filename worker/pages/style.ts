/**
 * The style of every page, whole, so that a page needs no further request.
 * The content security policy names it by its hash. Bottle green, cask oak and slate stand for the kinds.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f4f6f4; --surface: #fff; --well: #f4f6f4; --ink: #16211c; --soft: #56635c; --line: #d8dfda;
  --band: #14362b; --band-ink: #f2f7f4; --band-soft: #a9c7b9;
  --link: #17614a; --good: #17694a; --warn: #8a5600; --bad: #a5281c;
  --formula: #2a7a5d; --cask: #b67a2b; --linux-app: #5a7da3;
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  --mono: ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0e1311; --surface: #161d1a; --well: #0e1311; --ink: #e4ebe7; --soft: #9caaa3; --line: #2a3530;
    --band: #12271f; --band-ink: #eef5f1; --band-soft: #8fb3a3;
    --link: #7fd0b0; --good: #74cfaa; --warn: #e8b45a; --bad: #f3907f;
    --formula: #4fa685; --cask: #d49a4e; --linux-app: #80a4cc;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 var(--sans); }
.inner { max-width: 70rem; margin: 0 auto; padding: 0 1.5rem; }
h1, h2, h3, p, ul, dl, dd, pre { margin: 0; }
ul, ol { margin: 0; padding: 0; list-style: none; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: .2em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
code, pre { font-family: var(--mono); font-size: .9em; }
small { font-size: .875rem; color: var(--soft); }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: inherit; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.out-of-sight { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--surface); z-index: 2; }

header { background: var(--band); color: var(--band-ink); padding: 2.75rem 0 6.5rem; }
.kicker { display: flex; align-items: center; gap: .5rem; color: var(--band-soft); font-size: .9375rem; }
.mark { width: 1.25rem; height: 1.25rem; }
h1 { margin: .35rem 0 .5rem; font-size: clamp(1.75rem, 1.1rem + 3vw, 3rem); line-height: 1.1; letter-spacing: -.025em; font-weight: 700; overflow-wrap: anywhere; text-wrap: balance; }
.lead { max-width: 40rem; color: var(--band-soft); font-size: 1.0625rem; overflow-wrap: anywhere; }
main { min-height: 12rem; }
main > :first-child { margin-top: -4rem; }
section { margin-top: 3.5rem; }
section > h2 { font-size: 1.375rem; line-height: 1.25; letter-spacing: -.015em; margin-bottom: 1.25rem; }
h3 { font-size: 1rem; line-height: 1.4; margin-bottom: .5rem; }

.warning { background: var(--surface); border: 1px solid var(--warn); border-radius: 8px; padding: .875rem 1.25rem; overflow-wrap: anywhere; }
.warning b { color: var(--warn); margin-right: .35rem; }
.warning + .state { margin-top: 1rem; }

.state { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); overflow: hidden; --state: var(--good); box-shadow: 0 1px 2px rgb(0 0 0 / .05), 0 8px 24px -12px rgb(0 0 0 / .18); }
.state-expiring, .state-unverified { --state: var(--warn); }
.state-expired { --state: var(--bad); }
.verdict, .evidence { padding: 1.75rem; }
.verdict { display: flex; flex-direction: column; gap: .75rem; }
.verdict h2 { display: flex; align-items: center; gap: .75rem; margin: 0; color: var(--state); font-size: clamp(1.375rem, 1.1rem + 1.2vw, 1.75rem); line-height: 1.2; letter-spacing: -.02em; }
.verdict p { max-width: 32rem; }
.sign { flex: none; width: 2.25rem; height: 2.25rem; fill: none; stroke: var(--surface); stroke-width: 2.25; stroke-linecap: round; stroke-linejoin: round; }
.sign circle { fill: var(--state); stroke: none; }
.validity { margin-top: auto; padding-top: .75rem; }
.validity > svg { display: block; overflow: visible; }
.validity p { display: flex; justify-content: space-between; color: var(--soft); font-size: .8125rem; max-width: none; }
.validity-whole { fill: var(--line); }
.validity-spent, .validity-now { fill: var(--state); }
.validity-now { stroke: var(--surface); stroke-width: 3; }
.evidence { border-left: 1px solid var(--line); display: grid; align-content: center; }
.evidence div { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: 0 1rem; padding: .4rem 0; }
.evidence dt { color: var(--soft); }
.evidence dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.evidence small { white-space: nowrap; }
.checks { grid-column: 1 / -1; border-top: 1px solid var(--line); background: var(--well); padding: 1.25rem 1.75rem; font-size: .9375rem; }
.checks ul { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .5rem 3.5rem; margin-top: .5rem; }
.checks p, .checks li { color: var(--soft); }
.checks a, .checks b { font-weight: 600; }
.checks .passed { color: var(--good); }
.checks .failed { color: var(--bad); }

.figures { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); margin-top: 2.25rem; }
.figures div { display: flex; flex-direction: column-reverse; padding: 0 1.75rem; border-left: 1px solid var(--line); }
.figures div:first-child { border-left: 0; padding-left: 0; }
.figures dt { color: var(--soft); font-size: .9375rem; }
.figures dd { white-space: nowrap; font-size: clamp(1.25rem, .9rem + 2.6vw, 2.5rem); line-height: 1.15; font-weight: 600; letter-spacing: -.03em; font-variant-numeric: tabular-nums; }

.charts, .columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 2rem 3.5rem; }
.columns { column-gap: 2rem; }
.stack { display: block; border-radius: 4px; margin-bottom: 1rem; }
.stack rect { stroke: var(--paper); stroke-width: 2; }
.fill-formula { fill: var(--formula); }
.fill-cask { fill: var(--cask); }
.fill-linux-app { fill: var(--linux-app); }
.legend li { display: grid; grid-template-columns: .75rem 1fr auto; gap: 0 .75rem; align-items: center; padding: .35rem 0; }
.legend b { font-weight: 600; }
.legend span { white-space: nowrap; font-variant-numeric: tabular-nums; }
.legend small { grid-column: 2 / -1; }
.by-tag { position: relative; }
.by-tag th, .by-tag td { padding: .2rem 0; vertical-align: middle; }
.by-tag th { width: 1%; white-space: nowrap; max-width: 14rem; overflow: hidden; text-overflow: ellipsis; }
.by-tag .bar { padding: 0 1rem; }
.by-tag .number { width: 1%; }
.by-tag .count { padding-left: 1.25rem; color: var(--soft); font-size: .875rem; }
.bar svg { display: block; }
.bar-whole { fill: var(--line); }
.bar-part { fill: var(--formula); }

.columns p { color: var(--soft); margin-bottom: .75rem; overflow-wrap: anywhere; }
.columns code { color: var(--ink); }
.listing { background: var(--surface); border: 1px solid var(--line); border-radius: 6px; margin-bottom: .75rem; overflow: hidden; }
.listing p { display: flex; justify-content: space-between; align-items: center; min-height: 2.25rem; margin: 0; padding: .25rem .375rem .25rem .875rem; border-bottom: 1px solid var(--line); font-size: .8125rem; }
pre { padding: .75rem .875rem; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.7; font-size: .8125rem; }
pre span { display: block; padding-left: 2ch; text-indent: -2ch; }
button { font: inherit; font-size: .875rem; color: var(--link); background: var(--surface); border: 1px solid var(--line); border-radius: 5px; padding: .3rem .7rem; cursor: pointer; }
button:hover { border-color: var(--link); }
.listing button { font-size: .8125rem; padding: .125rem .6rem; }

form { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; margin-bottom: 1rem; }
input { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--soft); border-radius: 5px; padding: .4rem .7rem; width: 18rem; max-width: 100%; }
::placeholder { color: var(--soft); opacity: 1; }
#shown { color: var(--soft); font-size: .9375rem; margin-left: auto; }

.packages { font-size: .9375rem; table-layout: fixed; }
.packages thead th { width: 9%; }
.packages thead th:nth-child(1) { width: 17%; }
.packages thead th:nth-child(2) { width: 14%; }
.packages thead th:nth-child(4) { width: 17%; }
.packages thead th:last-child { width: auto; }
.packages thead th { position: sticky; top: 0; background: var(--paper); color: var(--soft); font-size: .875rem; padding: .5rem 1.25rem .5rem 0; box-shadow: inset 0 -1px var(--line); }
.packages tbody th, .packages td { padding: .5rem 1.25rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.packages .name { font-weight: 600; overflow-wrap: anywhere; }
.packages .name a { text-decoration: none; }
.packages .name a:hover { text-decoration: underline; }
.packages .version { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.packages .kind, .packages .platforms, .packages .desc { color: var(--soft); }
.packages code { font-size: .875rem; overflow-wrap: anywhere; }
.packages details code { display: block; }
.packages .desc { overflow-wrap: anywhere; padding-right: 0; }
.packages th.number { text-align: right; }
summary { cursor: pointer; }

.hint { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 1.5rem 1.75rem; }
.hint h2 { margin-bottom: .5rem; }
.hint p { max-width: 44rem; overflow-wrap: anywhere; }
.hint p + dl { margin-top: 1rem; }
.hint div { display: grid; grid-template-columns: 6rem minmax(0, 1fr); padding: .2rem 0; }
.hint dt { color: var(--soft); }
.hint dd { overflow-wrap: anywhere; }

.onward { display: flex; gap: 1.25rem; align-items: baseline; margin-top: 1.25rem; color: var(--soft); }
.remark { color: var(--soft); font-size: .9375rem; max-width: 44rem; }
table + .remark { margin-top: .75rem; }

.kept { font-size: .9375rem; }
.kept th, .kept td { padding: .55rem 1.5rem .55rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
.kept thead th { color: var(--soft); font-size: .875rem; padding-top: 0; }
.kept :is(th, td):last-child { padding-right: 0; }
.kept .number { text-align: right; }
.kept .live { margin-left: .5rem; color: var(--good); font-weight: 600; font-size: .875rem; }
.made thead th:nth-child(1) { width: 10rem; }
.made thead th:nth-child(2) { width: 15rem; }
.made td:nth-child(3) { white-space: nowrap; }
.made td:nth-child(4) { color: var(--soft); }
.made .passed { color: var(--good); }
.made .failed { color: var(--bad); font-weight: 600; }
.made .not-checked-here { color: var(--soft); }

.action { display: flex; flex-wrap: wrap; gap: .75rem 2rem; align-items: center; justify-content: space-between; }
.action div { flex: 1 1 22rem; }
.action h3 { color: var(--ink); margin: 0; }
.action form { margin: 0; }
.action button { font-size: 1rem; font-weight: 600; padding: .55rem 1.1rem; background: var(--good); border-color: var(--good); color: var(--surface); }
.action button:hover { filter: brightness(1.08); }
.action button:disabled { opacity: .55; cursor: default; }
.run { margin-top: 1rem; }
.run p { display: flex; justify-content: space-between; align-items: center; gap: 1rem; min-height: 2rem; font-variant-numeric: tabular-nums; }
.checks .run[data-state="good"] #so-far { color: var(--good); font-weight: 600; }
.checks .run[data-state="bad"] #so-far { color: var(--bad); font-weight: 600; }
progress { appearance: none; display: block; width: 100%; height: .625rem; margin-bottom: .5rem; border: 0; border-radius: 5px; background: var(--line); overflow: hidden; }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--good); }
progress::-moz-progress-bar { background: var(--good); }
.run[data-state="bad"] progress::-webkit-progress-value { background: var(--bad); }
.run[data-state="bad"] progress::-moz-progress-bar { background: var(--bad); }
.checks ul.findings { display: block; margin-top: .5rem; }
.findings li { padding: .35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.findings li:first-child { border-top: 0; }
.findings code { color: var(--bad); margin-right: .5rem; }

.folder { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; box-shadow: 0 1px 2px rgb(0 0 0 / .05), 0 8px 24px -12px rgb(0 0 0 / .18); }
.crumbs { display: flex; flex-wrap: wrap; padding: 1rem 1.75rem; border-bottom: 1px solid var(--line); background: var(--well); overflow-wrap: anywhere; }
.crumbs li + li::before { content: "/"; padding: 0 .5rem; color: var(--soft); }
.files { font-size: .9375rem; }
.files th, .files td { padding: .45rem 1.5rem .45rem 0; vertical-align: top; }
.files :is(th, td):first-child { padding-left: 1.75rem; }
.files :is(th, td):last-child { padding-right: 1.75rem; width: 12rem; white-space: nowrap; }
.files thead th { color: var(--soft); font-size: .875rem; padding-top: .9rem; }
.files .number { width: 7rem; text-align: right; }
.files tbody th { overflow-wrap: anywhere; }
.files tbody a { text-decoration: none; }
.files tbody a:hover { text-decoration: underline; }
.files tbody tr:nth-child(odd) { background: var(--well); }
.files td { color: var(--soft); font-variant-numeric: tabular-nums; }
.folder .onward { margin: 0; padding: 1rem 1.75rem; border-top: 1px solid var(--line); }

footer { margin-top: 4.5rem; border-top: 1px solid var(--line); padding: 1.5rem 0 3rem; color: var(--soft); font-size: .9375rem; }
footer p { overflow-wrap: anywhere; }
footer .inner, footer ul { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; justify-content: space-between; }

@media (max-width: 56rem) {
  .inner { padding: 0 1rem; }
  .state, .charts, .columns, .checks ul { grid-template-columns: minmax(0, 1fr); }
  .evidence { border-left: 0; border-top: 1px solid var(--line); }
  .verdict, .evidence, .checks { padding: 1.25rem; }
  .figures div:not(:first-child) { padding: 0 1rem; }
  section { margin-top: 2.75rem; }
  #shown { margin-left: 0; width: 100%; }
  .packages, .packages tbody { display: block; }
  .packages thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .packages tr { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .75rem; padding: .7rem 0; border-bottom: 1px solid var(--line); }
  .packages tbody th, .packages td { padding: 0; border: 0; }
  .packages .version { flex: 1; }
  .packages .desc { order: 1; flex-basis: 100%; color: var(--ink); }
  .packages .kind, .packages .platforms { order: 2; }
  .packages .platforms { flex: 1; }
  .crumbs { padding: .875rem 1.25rem; }
  .files, .files tbody, .made, .made tbody { display: block; }
  .files thead, .made thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .files tr { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .5rem 1.25rem; }
  .files tbody th { flex-basis: 100%; }
  .files tbody th, .files tbody td { padding: 0 !important; width: auto !important; font-size: .875rem; }
  .files tbody th { font-size: 1rem; }
  .files td:empty { display: none; }
  .made tr { display: flex; flex-wrap: wrap; gap: 0 .75rem; padding: .6rem 0; border-bottom: 1px solid var(--line); }
  .made tbody :is(th, td) { padding: 0; border: 0; }
  .made td:nth-child(4) { flex-basis: 100%; }
  .kept :is(th, td) { padding-right: .75rem; }
}
@media (max-width: 26rem) {
  .figures div:not(:first-child) { padding: 0 0 0 .75rem; }
  .by-tag .count, .kept:not(.made) :is(th, td):nth-child(3) { display: none; }
  .evidence div { grid-template-columns: minmax(0, 1fr); }
}
`;
