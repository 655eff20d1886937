import { Vulnerability as Enums } from '@cyclonedx/cyclonedx-library/Enums';
import { type Component, Vulnerability as Models } from '@cyclonedx/cyclonedx-library/Models';
import type { Advisories } from '../database/vulnerabilities.ts';
import { isAffectedByAny } from '../policy/affected.ts';

type Advisory = Advisories['vulnerabilities'][number];
type Affected = Advisories['affected'][number];

/**
 * Returns the advisories that are about the mirrored versions of formulas, or may be: then the status of the version is
 * `unknown`. `versionsOf` returns the components of a formula.
 */
export function vulnerabilitiesOf(
  { vulnerabilities, affected }: Advisories,
  versionsOf: (name: string) => readonly Component[],
): Models.Vulnerability[] {
  const byId = Map.groupBy(affected, (row) => row.vuln_id);
  return vulnerabilities.flatMap((advisory) => {
    const rows = byId.get(advisory.id) ?? [];
    const found = describe(advisory);
    for (const [name, own] of Map.groupBy(rows, (row) => row.formula)) {
      for (const component of versionsOf(name)) {
        const affect = affectOf(component, own);
        if (affect) found.affects.add(affect);
      }
    }
    if (found.affects.size === 0) return [];
    const fixed = rows.flatMap(({ formula, fixed_version: version }) =>
      version ? [`Update ${formula} to ${version} or newer.`] : [],
    );
    if (fixed.length > 0) found.recommendation = [...new Set(fixed)].sort().join(' ');
    return [found];
  });
}

/** Returns what an advisory says of a component; `undefined` if it is not about this version. */
function affectOf(component: Component, rows: readonly Affected[]): Models.Affect | undefined {
  const { version = '' } = component;
  const affected = isAffectedByAny(version, rows);
  if (affected === 'no') return undefined;
  const status = affected === 'yes' ? Enums.AffectStatus.Affected : Enums.AffectStatus.Unknown;
  const affect = new Models.Affect(component.bomRef);
  if (version !== '') affect.versions.add(new Models.AffectedSingleVersion(version, { status }));
  return affect;
}

function describe({
  id,
  summary,
  details,
  severity,
  published,
  modified,
  references_json,
}: Advisory): Models.Vulnerability {
  const found = new Models.Vulnerability({
    ...{ bomRef: `vulnerability/${id}`, id },
    ...(summary ? { description: summary } : {}),
    ...(details ? { detail: details } : {}),
    ...(isDate(published) ? { published: new Date(published) } : {}),
    ...(isDate(modified) ? { updated: new Date(modified) } : {}),
  });
  const known = Object.values(Enums.Severity).find((name) => name === severity?.toLowerCase());
  found.ratings.add(new Models.Rating({ severity: known ?? Enums.Severity.Unknown }));
  for (const url of urlsIn(references_json)) found.advisories.add(new Models.Advisory(url));
  return found;
}

/** True for an address that a reader may open. */
export const isWebAddress = (text: string): boolean => /^https?:/i.test(text) && URL.canParse(text);

const isDate = (text: string | null): text is string => text !== null && !Number.isNaN(Date.parse(text));

function urlsIn(json: string | null): string[] {
  try {
    const urls: unknown = JSON.parse(json ?? '[]');
    return [urls].flat().filter((url): url is string => typeof url === 'string' && isWebAddress(url));
  } catch {
    return []; // the upstream's text, which no reader of the mirror needs
  }
}
