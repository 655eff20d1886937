import { Hono } from 'hono';
import { MirrorError } from '../../format/errors.ts';
import { encodePath } from '../../format/paths.ts';
import { checksumsText } from '../../pages/checksums.ts';
import { type FolderView, folderPage, isPart, type Listing, SORTS } from '../../pages/folder.ts';
import { type AppContext, type AppEnvironment, answer, type Services, servedSnapshot } from '../context.ts';
import { documentOf, jsonDocument, pageDocument } from '../document.ts';
import type { AskedPart } from '../folder-walk.ts';
import { preferredFormat } from '../http/accept.ts';
import { decodePath } from '../http/path.ts';
import type { Representation } from '../http/respond.ts';
import { folderTotals } from '../list-totals.ts';
import { type ListingLimits, listFolder, sorted } from '../listing.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { missingPath } from '../missing.ts';

/** Names in one part, for programs that can ask for the next, and for people, whose page has at most 60 kB, uncompressed. */
const PART = { json: 1000, html: 125 } as const;
/** Leaves in which one request looks for a part of a name: what a cold Worker can hash and search in its time. */
const FILTERED_LEAVES = 16;
const MAX_FILTER = 100;
/** The value of `format` for a text that `sha256sum -c` reads. */
const CHECKSUMS = 'sha256sums';

/** What is asked for of a folder. */
interface Asked extends FolderView, Omit<AskedPart, 'filter'> {
  format: 'html' | 'json' | typeof CHECKSUMS | 'names';
}

/**
 * Serves every folder, from the signed snapshot, at its path with a slash at the end. Not only browsers get HTML: tools
 * that fetch whole folders (wget, lftp, rclone) read the links of such a page. They follow no link to a next part, so they
 * get the folder in one, as far as the operations of one call allow, without the links of people's choices. JSON is for
 * clients that ask for it, and `?format=sha256sums` has the checksums.
 */
export const folderRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>().get('*', async (context, next) => {
    const { path } = context.req;
    if (!path.endsWith('/')) return next();
    context.set('route', '/*/');
    const folder = decodePath(path);
    const asked = askedOf(context);
    const live = await servedSnapshot(context, services);
    const listing = await listFolder(live, folder, asked, limitsOf(asked, services), services.clock());
    if (!listing) throw missingPath(folder);
    return answer(context, services, await represent(listing, asked, live, services));
  });

/** Returns what a request asks for. Throws `bad-input`. */
function askedOf({ req }: AppContext): Asked {
  const format = req.query('format');
  const preferred = preferredFormat(req.header('accept'));
  const readable = preferred === 'html' || preferred === 'json' ? preferred : 'names';
  const filter = (req.query('filter') ?? '').trim();
  if (filter.length > MAX_FILTER) throw tooLong(filter);
  const [sort = 'name', order = 'asc'] = [req.query('sort'), req.query('order')];
  return {
    after: req.query('cursor') || undefined,
    before: req.query('before') || undefined,
    filter,
    sort: SORTS.find((known) => known === sort) ?? expectOneOf('sort', SORTS, sort),
    isDescending: order === 'desc' || (order !== 'asc' && expectOneOf('order', ['asc', 'desc'], order)),
    format:
      format === undefined
        ? readable
        : format === CHECKSUMS
          ? CHECKSUMS
          : expectOneOf('format', [CHECKSUMS], format),
  };
}

function limitsOf({ format, filter }: Asked, { settings: { verifyOperations } }: Services): ListingLimits {
  return {
    entries: format === 'html' || format === 'json' ? PART[format] : Number.POSITIVE_INFINITY,
    leaves: filter ? Math.min(verifyOperations, FILTERED_LEAVES) : verifyOperations,
  };
}

async function represent(
  listing: Listing,
  asked: Asked,
  live: LiveSnapshot,
  { base }: Services,
): Promise<Representation> {
  const { version } = live.snapshot;
  const { format } = asked;
  if (format === CHECKSUMS) return documentOf(checksumsText(listing), 'text/plain; charset=utf-8');
  const shown = { ...listing, entries: sorted(listing.entries, asked) };
  if (format === 'json') return jsonListing(shown, version);
  const forPeople = format === 'html';
  const totals = forPeople && isPart(listing) ? await folderTotals(live, listing.folder) : undefined;
  const page = { ...shown, snapshot: version, base, view: forPeople ? asked : undefined, totals };
  return pageDocument(await folderPage(page));
}

const jsonListing = ({ folder, entries, next }: Listing, snapshot: number): Representation =>
  jsonDocument(
    { path: `/${encodePath(folder)}`, snapshot, entries, cursor: next ?? null },
    { vary: 'accept' },
  );

const expectOneOf = (name: string, known: readonly string[], found: string): never => {
  throw badQuery(name, known.join(' or '), found);
};

const tooLong = (filter: string): MirrorError =>
  new MirrorError('bad-input', 'This filter is too long.', {
    expected: `at most ${MAX_FILTER} characters`,
    found: filter.slice(0, 80),
  });

const badQuery = (name: string, expected: string, found: string): MirrorError =>
  new MirrorError('bad-input', `This listing has no such ${name}.`, { expected, found: found.slice(0, 80) });
