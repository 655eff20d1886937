import fc, { type Arbitrary } from 'fast-check';
import { anyText } from './support.ts';

/** What breaks parsers: ends, separators, escapes, numbers at the edge, the names that objects have by themselves. */
const TOKENS = [
  ...[
    '',
    '\0',
    '\n',
    '\r',
    '\r\n',
    '\t',
    ' ',
    '"',
    "'",
    '`',
    '\\',
    '/',
    '//',
    '..',
    '.',
    '-',
    '%',
    '%00',
    '%2e%2e',
    '%ff',
  ],
  ...[
    '#',
    '#{',
    ',',
    ';',
    ':',
    '=',
    '*',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '<',
    '>',
    '&',
    '@',
    '?',
    'W/',
    'bytes=',
  ],
  ...[
    '0',
    '-0',
    '-1',
    '1e9',
    '1e400',
    '9007199254740993',
    '99999999999999999999',
    '0x10',
    'NaN',
    'null',
    'true',
    '{}',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'é',
    '\u0130',
    '\u202e',
    '\u2028',
    '\ud800',
    '\ufeff',
    '🍺',
  ],
];

type Change = (text: string, others: readonly string[]) => string;

/** A place in a text, as a share of its length; `fc.double` would nearly always draw its beginning. */
const place = fc.nat(9_999).map((share) => share / 10_000);
const length = fc.oneof(fc.nat(3), fc.nat(60));
const at = (text: string, share: number): number => Math.floor(share * text.length);

const CHANGES: Arbitrary<Change> = fc.oneof(
  fc.tuple(place, length).map(
    ([where, size]): Change =>
      (text) =>
        cut(text, at(text, where), size, ''),
  ),
  fc.tuple(place, length, fc.oneof(fc.constantFrom(...TOKENS), anyText)).map(
    ([where, size, more]): Change =>
      (text) =>
        cut(text, at(text, where), size % 3, more),
  ),
  fc.tuple(place, length, fc.oneof(fc.nat(3), fc.constantFrom(100, 20_000))).map(
    ([where, size, times]): Change =>
      (text) => {
        const part = text.slice(at(text, where), at(text, where) + Math.min(size, 8));
        return cut(text, at(text, where), 0, part.repeat(times));
      },
  ),
  fc.tuple(place, place).map(
    ([where, from]): Change =>
      (text, others) => {
        const other = others[Math.floor(from * others.length)] ?? '';
        return text.slice(0, at(text, where)) + other.slice(at(other, from));
      },
  ),
  fc.tuple(place, fc.nat(7)).map(
    ([where, bit]): Change =>
      (text) =>
        cut(text, at(text, where), 1, String.fromCharCode(text.charCodeAt(at(text, where)) ^ (1 << bit))),
  ),
);

const cut = (text: string, from: number, size: number, instead: string): string =>
  text.slice(0, from) + instead + text.slice(from + size);

/** Valid texts after a few changes: parts cut out, repeated, exchanged, replaced by what breaks parsers. */
export const mutated = (valid: readonly [string, ...string[]]): Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...valid), fc.array(CHANGES, { minLength: 1, maxLength: 3 }))
    .map(([text, changes]) => changes.reduce((sofar, change) => change(sofar, valid), text));

/** Hostile texts of both kinds. */
export const hostile = (valid: readonly [string, ...string[]]): Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: mutated(valid) }, { weight: 1, arbitrary: anyText });

/** Lists in lists, deeper than a stack is; and what stands for them, because nobody can write them as JSON. */
const DEEP = '['.repeat(6_000) + ']'.repeat(6_000);
const DEEP_MARK = '@deep@';

const VALUES: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    0.5,
    1e300,
    2 ** 53,
    -0,
    '',
    '__proto__',
    '../x',
    [],
    {},
    [[]],
    DEEP_MARK,
    { toString: null, valueOf: null },
    { length: 1e9 },
  ),
  fc.jsonValue({ maxDepth: 1 }),
);

/** Whole numbers that a schema may well allow and a date, a length or a sum may not. */
const NUMBERS = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 31, 2 ** 32, 253_402_300_800, 8.64e12, 2 ** 53 - 1),
  fc.maxSafeNat(),
);

/** What is done to a member that is reached. */
interface Alteration {
  kind: number;
  other: unknown;
  number: number;
  name: string;
  text: Change;
}

const ALTERATIONS: Arbitrary<Alteration> = fc.record({
  kind: fc.nat(6),
  other: VALUES,
  number: NUMBERS,
  name: fc.constantFrom(...TOKENS),
  text: CHANGES,
});

/** The JSON of a valid value in which members were exchanged for others of the same or another type, left out, doubled or renamed. */
export const mutatedJson = (valid: unknown): Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), ALTERATIONS), {
      minLength: 1,
      maxLength: 2,
    })
    .map((changes) =>
      JSON.stringify(changes.reduce((value, [path, change]) => alter(value, path, change), valid)).replaceAll(
        `"${DEEP_MARK}"`,
        DEEP,
      ),
    );

/** A copy of a value with a change at one of its members; `path` chooses by index, as far down as it leads. */
function alter(value: unknown, [step = 0, ...rest]: readonly number[], change: Alteration): unknown {
  if (typeof value !== 'object' || value === null) return change.other;
  const members = Object.entries(value);
  const chosen = members.length === 0 ? -1 : step % members.length;
  const altered = members.flatMap(([key, member], index): [string, unknown][] => {
    if (index !== chosen) return [[key, member]];
    const goesOn = rest.length > 0 && typeof member === 'object' && member !== null && step % 5 > 0;
    return goesOn ? [[key, alter(member, rest, change)]] : exchanged(key, member, change);
  });
  if (!Array.isArray(value)) return Object.fromEntries(altered);
  return altered.map(([, member]) => member);
}

function exchanged(
  key: string,
  member: unknown,
  { kind, other, number, name, text }: Alteration,
): [string, unknown][] {
  if (kind === 0) return [];
  if (kind === 1) return [[key, other]];
  if (kind === 2) return [[name, member]];
  if (kind === 3)
    return [
      [key, member],
      [`${key}${name}`, other],
    ];
  if (typeof member === 'string') return [[key, text(member, [member])]];
  return [[key, typeof member === 'number' ? number : other]];
}
