import type { MirrorRequest } from '../../format/manifest.ts';
import { formula } from '../../format/packages/formula.ts';
import { type ByKind, KINDS, type Kind } from '../../format/packages/kinds.ts';
import type { KindIndex } from '../database/kind-index.ts';
import type { Asked } from '../request/request.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type Names, withNamesOf } from './other-names.ts';
import type { Catalog } from './selection.ts';
import { isKnown, type Unknown, unknownError, unknownNames } from './unknown.ts';

/** What opening the indexes takes. */
interface Opening {
  index: Upstream;
  /** Homebrew's API, where brew is a client. */
  brew: HomebrewApi | undefined;
  request: MirrorRequest;
  asked: Pick<Asked, 'named'>;
  /** True to go on without unknown names. */
  keepGoing: boolean;
}

/**
 * Opens the indexes that are asked for, or all of them when a name may be of another kind. Throws `unknown-package`, or
 * returns the unknown names where the plan goes on without them.
 */
export async function openCatalog({
  index,
  brew,
  request,
  asked: { named: names },
  keepGoing,
}: Opening): Promise<{ catalog: Catalog; unknown: Unknown[] }> {
  const open = async (kind: Kind): Promise<KindIndex> => {
    const opened = await index.index(kind);
    const known = homebrewNames(brew)[kind.id];
    return known ? withNamesOf(known, opened) : opened;
  };
  const catalog: Catalog = {};
  const wanted = KINDS.filter(
    (kind) =>
      kind.id === formula.id ||
      request[kind.request].length > 0 ||
      (kind.inAll && (request.all || request.full_index)),
  );
  for (const kind of wanted) catalog[kind.id] = await open(kind);
  if (isKnown(catalog, names)) return { catalog, unknown: [] };
  const all = { ...catalog };
  for (const kind of KINDS) all[kind.id] ??= await open(kind).catch(() => undefined);
  const unknown = unknownNames(all, names, request.places ?? {});
  if (!keepGoing) throw unknownError(unknown);
  return { catalog, unknown };
}

const homebrewNames = (api: HomebrewApi | undefined): Partial<ByKind<Names>> =>
  api ? { formula: api.packages.formulas, cask: api.packages.casks } : {};
