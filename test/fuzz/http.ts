import fc, { type Arbitrary } from 'fast-check';
import { describe, expect } from 'vitest';
import { httpDate, parseHttpDate } from '../../format/http-date.ts';
import { formatPublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import { encodePath } from '../../format/paths.ts';
import { credentialsOf, withCredentials } from '../../worker/access.ts';
import { preferredFormat } from '../../worker/http/accept.ts';
import { strongTag } from '../../worker/http/etag.ts';
import { decodePath } from '../../worker/http/path.ts';
import { evaluatePreconditions, ifRangeHolds } from '../../worker/http/preconditions.ts';
import { contentRange, requestedRange } from '../../worker/http/range.ts';
import { parseSettings, parseTokens } from '../../worker/settings.ts';
import { KEY, NOW, OTHER_KEY } from '../format/support.ts';
import { hostile } from './mutation.ts';
import { anyText, count, type Effort, holds, parsed, plainName } from './support.ts';

const ETAG = strongTag('ab'.repeat(32));
const MODIFIED = NOW.getTime() / 1000 - 1000;
const THAT = { etag: ETAG, lastModified: MODIFIED };
/** Until the end of the year 9999. */
const seconds = fc.integer({ min: 0, max: 253_402_300_799 });

const RANGES = ['bytes=0-', 'bytes=0-4', 'bytes=2-2', 'bytes=-5', 'Bytes= 1-99 ', 'bytes=0-1,3-4'] as const;
const TAGS = [ETAG, `W/${ETAG}`, '*', `"x", ${ETAG}`, `W/"y" , W/${ETAG},"z"`, '""'] as const;
const DATES = [httpDate(MODIFIED), 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'] as const;
const FIELDS = [...TAGS, ...DATES] as const;
const TAG_CHARACTERS = '!#$%&()*+,-./:;<=>?@[]^_`{|}~azAZ09\x80\xff';

const field = (valid: readonly [string, ...string[]]): Arbitrary<string> => hostile(valid).map(asFieldValue);

/** What is left of a text once it has come through a socket as a field: bytes, and no line breaks. */
const asFieldValue = (text: string): string =>
  [...text]
    .map((one) => String.fromCharCode((one.codePointAt(0) ?? 0) & 0xff))
    .join('')
    .replace(/[\0\r\n]/g, '');

export function httpProperties(effort: Effort): void {
  describe('HTTP', () => {
    holds(
      'a Range is ignored, refused, or a part of what there is',
      effort,
      fc.tuple(field(RANGES), count),
      ([header, size]) => {
        const range = requestedRange(header, size);
        if (range === undefined || range === 'unsatisfiable') return;
        expect(range.offset).toBeGreaterThanOrEqual(0);
        expect(range.length).toBeGreaterThan(0);
        expect(range.offset + range.length).toBeLessThanOrEqual(size);
        expect(contentRange(range, size)).toMatch(/^bytes \d+-\d+\/\d+$/);
      },
    );

    const span = fc
      .tuple(fc.option(count), fc.option(count), count)
      .filter(([first, last]) => (first ?? last) !== null);
    holds(
      'each of the three forms of a Range means what RFC 9110 says',
      effort,
      span,
      ([first, last, size]) => {
        const range = requestedRange(`bytes=${first ?? ''}-${last ?? ''}`, size);
        if (first === null) {
          const length = Math.min(last ?? 0, size);
          expect(range).toEqual(
            last === 0 ? 'unsatisfiable' : size === 0 ? undefined : { offset: size - length, length },
          );
        } else if (last !== null && last < first) expect(range).toBeUndefined();
        else if (first >= size) expect(range).toBe('unsatisfiable');
        else
          expect(range).toEqual({ offset: first, length: Math.min(last ?? size - 1, size - 1) - first + 1 });
      },
    );

    const conditions = fc.record(
      {
        'if-match': field(FIELDS),
        'if-none-match': field(FIELDS),
        'if-modified-since': field(FIELDS),
        'if-unmodified-since': field(FIELDS),
        'if-range': field(FIELDS),
      },
      { requiredKeys: [] },
    );
    holds(
      'preconditions decide for 304, 412 or nothing, and a range needs the very representation',
      effort,
      conditions,
      (fields) => {
        const headers = new Headers(fields);
        const status = evaluatePreconditions(headers, THAT, NOW);
        expect([undefined, 304, 412]).toContain(status);
        if (status === 412) expect(headers.has('if-match') || headers.has('if-unmodified-since')).toBe(true);
        if (status === 304)
          expect(headers.has('if-none-match') || headers.has('if-modified-since')).toBe(true);
        const value = headers.get('if-range');
        const exact = value === null || value === ETAG || parseHttpDate(value, NOW) === MODIFIED;
        expect(ifRangeHolds(headers, THAT, NOW)).toBe(exact);
      },
    );

    const tag = fc.string({ unit: fc.constantFrom(...TAG_CHARACTERS), maxLength: 20 }).map(strongTag);
    const list = fc.array(fc.tuple(tag, fc.boolean()), { maxLength: 6 });
    holds(
      'a list of tags names exactly its members, weak ones for If-None-Match alone',
      effort,
      fc.tuple(list, tag, fc.constantFrom(', ', ',', ' ,\t')),
      ([tags, etag, separator]) => {
        const value = tags.map(([one, weak]) => (weak ? `W/${one}` : one)).join(separator);
        const that = { etag, lastModified: undefined };
        const named = tags.some(([one]) => one === etag);
        const strongly = tags.some(([one, weak]) => one === etag && !weak);
        expect(evaluatePreconditions(new Headers({ 'if-none-match': value }), that, NOW)).toBe(
          named ? 304 : undefined,
        );
        expect(evaluatePreconditions(new Headers({ 'if-match': value }), that, NOW)).toBe(
          strongly ? undefined : 412,
        );
      },
    );

    holds('a date is read in each of its three forms, as it was written', effort, seconds, (time) => {
      const [day = '', date = '', month = '', year = '', clock = ''] = httpDate(time).split(/,? /);
      expect(parseHttpDate(httpDate(time), NOW)).toBe(time);
      expect(parseHttpDate(`${day} ${month} ${date.replace(/^0/, ' ')} ${clock} ${year}`, NOW)).toBe(time);
      const old = parseHttpDate(`${day}day, ${date}-${month}-${year.slice(2)} ${clock} GMT`, NOW);
      // The year is told by two digits, and the 29th of February not by every century.
      if (old !== undefined) expect(httpDate(old).slice(14)).toBe(httpDate(time).slice(14));
      if (Math.abs(time - NOW.getTime() / 1000) < 49 * 366 * 86_400) expect(old).toBe(time);
    });

    holds('what is no date is none, whatever it is', effort, field(DATES), (text) => {
      const time = parseHttpDate(text, NOW);
      if (time !== undefined) expect(Number.isSafeInteger(time)).toBe(true);
    });

    const path = fc.array(plainName, { minLength: 1, maxLength: 6 }).map((names) => names.join('/'));
    holds('a path is read as it was encoded', effort, path, (name) => {
      const { pathname } = new URL(`https://mirror.example/${encodePath(name)}`);
      expect(decodePath(pathname)).toBe(name);
      expect(decodePath(pathname.replaceAll('%2B', '+'))).toBe(name);
    });

    holds(
      'a path that is read leads nowhere else',
      effort,
      hostile(['/a/b%2B1.tar.gz', '/%41/..%2f', '/']),
      async (pathname) => {
        const name = await parsed(() => decodePath(pathname));
        if (name === undefined) return;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not be there
        expect(name).not.toMatch(/[\x00-\x1f\x7f\\]|(?:^|\/)\.\.?(?:\/|$)/);
        expect(name.split('/')).toHaveLength(pathname.slice(1).split('/').length);
      },
    );

    const pair = fc
      .tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))
      .map((texts) => texts.map((text) => text.toWellFormed()));
    holds('credentials are read as they were written', effort, pair, ([user = '', token = '']) => {
      const basic = credentialsOf(
        `Basic ${Buffer.from(`${user.replaceAll(':', '')}:${token}`).toString('base64')}`,
      );
      expect(basic?.token).toBe(token);
      const url = new URL(withCredentials('https://mirror.example', { user: user || 'token', token }));
      expect([decodeURIComponent(url.username), decodeURIComponent(url.password)]).toEqual([
        user || 'token',
        token,
      ]);
      expect(url.host).toBe('mirror.example');
    });

    holds(
      'no field breaks what reads it',
      effort,
      field(['Basic dTp0', 'Bearer t', 'text/html;q=0.5, */*', 'application/json']),
      (text) => {
        const credentials = credentialsOf(text);
        if (credentials)
          expect([typeof credentials.user, typeof credentials.token]).toEqual(['string', 'string']);
        expect([undefined, 'html', 'json', 'text']).toContain(preferredFormat(text));
      },
    );

    const keys = hostile([
      formatPublicKey(KEY.publicKey),
      formatPublicKey(KEY.publicKey) + formatPublicKey(OTHER_KEY.publicKey),
    ]);
    holds(
      'a setting is understood or refused, and trusts no key that was not given',
      effort,
      fc.tuple(keys, anyText),
      async ([text, other]) => {
        const settings = await parsed(() => parseSettings({ TRUSTED_KEYS: text }));
        for (const key of settings?.trusted ?? []) expect(text).toContain(publicKeyLine(key));
        for (const name of ['EXPIRED', 'PUBLIC_URL', 'VERIFY_OPERATIONS'] as const) {
          await parsed(() => parseSettings({ [name]: other }));
        }
        const tokens = await parsed(() => parseTokens(other));
        if (tokens) expect(tokens.length).toBeGreaterThan(0);
      },
      0.5,
    );
  });
}
