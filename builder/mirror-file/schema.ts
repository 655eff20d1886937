import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { isChannelName } from '../../format/layout.ts';
import { baseUrlOf, originOf } from '../../format/origin.ts';
import { RULES, SEVERITIES } from '../../format/policy.ts';
import { parseTag, TAGS_IN_USE } from '../../format/tags.ts';
import { parseBucketName, r2Endpoint } from '../bucket/endpoint.ts';
import { DURATION, parseDuration } from '../request/duration.ts';
import { RUBY_VERSION } from '../request/ruby-version.ts';
import { isMirrorUrl } from '../verify/mirror-url.ts';
import { parseUntil } from './until.ts';

/** Reads a text with a parser that throws a MirrorError. */
const readWith = <T>(parse: (text: string) => T) =>
  v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
    try {
      return parse(dataset.value);
    } catch (error) {
      if (!(error instanceof MirrorError)) throw error;
      const { message, expected } = error;
      addIssue({ message: expected === undefined ? message : `${message} Expected ${expected}.` });
      return NEVER;
    }
  });

const CHANNEL = 'It must be at most 32 small letters, digits and dashes, and begin with a letter.';
const KEEP = 'It must be a whole number from 1 to 1000.';

const key = <S extends v.GenericSchema>(schema: S, description: string) =>
  v.optional(v.pipe(schema, v.description(description)));

const text = v.pipe(v.string(), v.nonEmpty('It must not be empty.'));
const texts = v.array(text);
const filePath = v.pipe(
  text,
  v.check((path) => path !== '-', 'Standard input is for the command line: name a file.'),
);
const filePaths = v.array(filePath);
const yesOrNo = v.boolean();
const span = v.pipe(
  v.string(),
  v.regex(DURATION, 'It must be a time span, such as 30d, 12h or 90m.'),
  readWith(parseDuration),
);

const directory = v.pipe(
  text,
  v.check((path) => !isMirrorUrl(path), 'It must be a folder: an address is for [publish] url.'),
  v.description('The folder of the mirror. Relative paths begin at this file.'),
);

const waiver = v.strictObject({
  package: v.pipe(text, v.description('The package that may come in all the same.')),
  rule: v.pipe(v.picklist(RULES), v.description('The rule that does not hold for it.')),
  until: v.pipe(
    text,
    readWith(parseUntil),
    v.description('The last day, such as 2026-12-31, in UTC; or a time.'),
  ),
  reason: v.pipe(text, v.description('Why. It is published with the mirror.')),
});

const policy = v.strictObject({
  'min-age': key(span, 'How old a version must be, such as 3d.'),
  hold: key(texts, 'Packages that stay at the version that the mirror has.'),
  deny: key(texts, 'Packages that never come in.'),
  vulnerabilities: key(
    v.picklist(SEVERITIES),
    'Nothing comes in that has a known vulnerability of this severity or a higher one.',
  ),
  licenses: key(
    v.strictObject({ allow: v.pipe(texts, v.description('SPDX identifiers of the allowed licenses.')) }),
    'What licenses packages may have.',
  ),
  waiver: key(v.array(waiver), 'Exceptions, each until a day.'),
});

const keepCount = v.pipe(v.number(), v.integer(KEEP), v.minValue(1, KEEP), v.maxValue(1000, KEEP));

const publish = v.strictObject({
  bucket: v.pipe(v.string(), readWith(parseBucketName), v.description('The bucket.')),
  account: key(
    v.pipe(v.string(), readWith(accountOf)),
    'Cloudflare account of an R2 bucket; else CLOUDFLARE_ACCOUNT_ID.',
  ),
  endpoint: key(text, 'S3 endpoint without the bucket, if it is not R2.'),
  url: key(
    v.pipe(v.string(), readWith(edgeOf)),
    'Address of the Worker, which verifies a snapshot before it goes live.',
  ),
  channel: key(
    v.pipe(v.string(), v.check(isChannelName, CHANNEL)),
    'Channel to publish to and to roll back; without it current, the one at the root.',
  ),
  keep: key(keepCount, 'Snapshots to keep, of the bucket and of each channel, the live one included.'),
});

const mirrorTable = v.strictObject({
  directory,
  packages: key(texts, 'Formulas.'),
  casks: key(texts, 'Casks.'),
  'linux-apps': key(texts, 'Linux apps.'),
  'package-files': key(filePaths, 'Files with formulas, one a line.'),
  brewfiles: key(filePaths, 'Brewfiles, whose formulas and casks are taken.'),
  all: key(yesOrNo, 'Every formula and cask of the upstream.'),
  platforms: key(
    v.pipe(
      v.array(v.pipe(v.string(), v.examples([...TAGS_IN_USE]), readWith(parseTag))),
      v.minLength(1, 'It must name a platform.'),
    ),
    'Bottle tags. Without them, that of the machine that makes the mirror.',
  ),
  clients: key(v.array(v.picklist(['stout', 'brew'])), 'Clients to serve: stout (always), and brew.'),
  'valid-for': key(span, 'How long signatures are valid. Without it, 30d.'),
  'keep-snapshots': key(keepCount, 'Snapshots to keep in the folder, the live one included. Without it, 1.'),
  dependencies: key(yesOrNo, 'False leaves all dependencies out.'),
  'dev-dependencies': key(yesOrNo, 'False leaves build and test dependencies out.'),
  'with-vulns': key(yesOrNo, 'Include the vulnerabilities of the mirrored packages.'),
  'full-index': key(yesOrNo, 'Let the index name every package of the upstream.'),
  'allow-unchecked': key(yesOrNo, 'Take files for which the upstream declares no checksum.'),
  'portable-ruby': key(
    v.array(v.pipe(v.string(), v.regex(RUBY_VERSION, 'It must be a version, such as 3.4.8.'))),
    'Rubies of older brews, besides the newest.',
  ),
  'on-demand': key(yesOrNo, 'List every file, and fetch it when somebody first asks for it.'),
  whole: key(texts, 'With on-demand: packages whose files are fetched beforehand.'),
  'public-url': key(
    v.pipe(v.string(), readWith(baseUrlOf)),
    'Write this address into package URLs, for static hosts.',
  ),
  upstream: key(text, 'Where packages come from: https URL, folder, or homebrew.'),
  homebrew: key(text, 'Where the api/ and v2/ of Homebrew are, if not at Homebrew.'),
  'homebrew-key': key(filePath, 'File with the public key (PEM) that signs the API of another homebrew.'),
  key: key(filePath, 'File with the secret key that signs. Never put it into the same repository.'),
  trust: key(filePaths, 'Public keys (RW…) or .pub files to trust, the newest first.'),
  policy: key(policy, 'What may come in, and when.'),
  publish: key(publish, 'Where the mirror is published.'),
});

/** A mirror.toml. The descriptions are for the editors that read its JSON Schema, and for its template. */
export const mirrorFileSchema = v.pipe(
  mirrorTable,
  v.forward(
    v.partialCheck(
      [['portable-ruby'], ['clients']],
      ({ 'portable-ruby': rubies, clients }) => !rubies?.length || clients?.includes('brew') === true,
      'It is for brew: add "brew" to clients.',
    ),
    ['portable-ruby'],
  ),
  v.forward(
    v.partialCheck(
      [['whole'], ['on-demand']],
      ({ whole, 'on-demand': isOnDemand }) => !whole?.length || isOnDemand === true,
      'It is for a mirror on demand: add on-demand = true.',
    ),
    ['whole'],
  ),
  v.forward(
    v.partialCheck(
      [['public-url'], ['on-demand']],
      ({ 'public-url': url, 'on-demand': isOnDemand }) => url === undefined || isOnDemand !== true,
      'A static host fetches nothing, so it would lack every file of a mirror on demand: leave out one of the two.',
    ),
    ['public-url'],
  ),
);

/** What a mirror.toml says: spans in seconds, moments in Unix seconds. */
export type MirrorSettings = v.InferOutput<typeof mirrorFileSchema>;

function accountOf(account: string): string {
  r2Endpoint(account);
  return account;
}

/** A token must not come into a repository. */
function edgeOf(url: string): string {
  if (!/^https?:\/\/[^/]*@/i.test(url)) return originOf(url);
  throw new MirrorError('bad-input', 'An address with a token is a secret: give it with --url instead.');
}
