import { decisionText } from '../../format/decision-text.ts';
import { didYouMean } from '../../format/near-names.ts';
import { type Answer, type AskedFor, type Explanation, hasReason, type Reason } from '../plan/explanation.ts';
import { titleOf } from './summary.ts';

/** Returns the lines of an answer: a headline for each package of the name, and its reasons. */
export function answerText({ name, packages, near }: Answer): string[] {
  if (packages.length === 0) {
    return [
      `This mirror has no package ${JSON.stringify(name)}, and nobody asked for it.${didYouMean(near)}`,
    ];
  }
  return packages.flatMap((item) => [headline(item), ...reasons(item).map((line) => `  ${line}`)]);
}

function headline({ in_mirror, version, listed_only, ...item }: Explanation): string {
  const title = [titleOf(item), ...(version === undefined ? [] : [version])].join(' ');
  if (!in_mirror)
    return `${title} is not in the mirror${listed_only ? ', although its index lists it' : ''}:`;
  return `${title} is in the mirror${version === undefined ? ', for brew alone' : ''}:`;
}

function reasons(item: Explanation): string[] {
  const { in_mirror, asked_for: how, decisions, withdrawn } = item;
  const lines = [
    ...(how ? [`it was asked for ${howText(how, item.name)}`] : []),
    ...(in_mirror ? wayText(item) : []),
    ...decisions.map(decisionText),
    ...withdrawn.map((version) => `version ${version} was withdrawn, and does not come back by itself`),
  ];
  if (!in_mirror && decisions.length + withdrawn.length === 0)
    lines.push(
      how
        ? 'update --dry-run says why it could not be taken'
        : 'nobody asked for it, and nothing in the mirror needs it',
    );
  return lines;
}

/** Returns how a package was asked for: where, and under which name if that is another one. */
function howText({ as, place }: AskedFor, name: string): string {
  const where =
    place === undefined ? 'on the command line' : place.startsWith('--') ? `with ${place}` : `at ${place}`;
  return as === undefined || as === name ? where : `as ${as} ${where}`;
}

function wayText(item: Explanation): string[] {
  const { needed_by: way, root_asked_for: root, other_dependents: others, brews_ruby } = item;
  const first = way[0];
  const steps = way.map((by, at) =>
    `${titleOf(by)} ${NEEDS[by.reason]}`.replace('%', () => titleOf(way[at + 1] ?? item)),
  );
  return [
    ...(first && root ? [`${titleOf(first)} was asked for ${howText(root, first.name)}`] : []),
    ...steps,
    ...(brews_ruby ? ['brew runs on it'] : []),
    ...(others > 0 ? [othersText(others, way.length > 0)] : []),
    ...(hasReason(item) || others > 0 ? [] : [UNEXPLAINED]),
  ];
}

const NEEDS: Record<Reason, string> = {
  runtime: 'needs % to run',
  recommended: 'recommends %',
  build: 'needs % to be built',
  test: 'needs % to be tested',
  requirement: 'requires %',
};

const UNEXPLAINED =
  'nothing in the mirror needs it now: it was asked for by a former name, or something that left needed it';

function othersText(count: number, isMore: boolean): string {
  const noun = count === 1 ? 'package' : 'packages';
  return `${count} ${isMore ? `other ${noun}` : noun} in the mirror ${count === 1 ? 'needs' : 'need'} it${isMore ? ' too' : ''}`;
}
