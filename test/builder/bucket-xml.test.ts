import { describe, expect, test } from 'vitest';
import { parseErrorCode, parseFailures, parseListing } from '../../builder/bucket/xml.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const WHERE = 'https://host/bucket?list-type=2';
const DATE = '<LastModified>2026-11-27T10:00:00.000Z</LastModified>';
const object = (key: string, etag = '"0"', size = '1'): string =>
  `<Contents><Key>${key}</Key>${DATE}<ETag>${etag}</ETag><Size>${size}</Size></Contents>`;
const listing = (contents: string, more = '<IsTruncated>false</IsTruncated>'): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${more}${contents}</ListBucketResult>`;

describe('a listing', () => {
  test.each([
    ['named', 'a&amp;b&lt;c&gt;d&quot;e&apos;f'],
    ['decimal', 'a&#38;b&#60;c&#62;d&#34;e&#39;f'],
    ['decimal with zeros', 'a&#0038;b&#060;c&#062;d&#034;e&#039;f'],
    ['hexadecimal', 'a&#x26;b&#x3c;c&#x3E;d&#x22;e&#x27;f'],
    ['absent', 'a<![CDATA[&b<]]>c&gt;d"e\'f'],
  ])('whose references to characters are %s has the same keys', (_form, key) => {
    expect(parseListing(bytes(listing(object(key))), WHERE).objects).toMatchObject([{ key: `a&b<c>d"e'f` }]);
  });

  test.each(['"0"', '&quot;0&quot;', '&#34;0&#34;', '&#x22;0&#x22;'])('has the entity tag of %s', (etag) => {
    expect(parseListing(bytes(listing(object('k', etag))), WHERE).objects).toMatchObject([{ etag: '"0"' }]);
  });

  test.each([
    ['a reference that resolves to one', '&amp;#34;', '&#34;'],
    ['digits', '0012', '0012'],
    ['a float', '1e3', '1e3'],
    ['a truth value', 'true', 'true'],
    ['blanks around', ' a  ', ' a  '],
    ['a line end', 'a&#10;', 'a\n'],
    ['letters of others', 'gtk+3 ü ☃ &#x1F4E6;', 'gtk+3 ü ☃ 📦'],
  ])('keeps a key with %s as it is', (_what, written, key) => {
    expect(parseListing(bytes(listing(object(written))), WHERE).objects[0]?.key).toBe(key);
  });

  test.each([
    ['a mark of the byte order', `\uFEFF${listing(object('k'))}`],
    [
      'prefixed names',
      listing(object('k'))
        .replaceAll(/<(\/?)(?=[A-Z])/g, '<$1s3:')
        .replace('xmlns=', 'xmlns:s3='),
    ],
    ['indentation', listing(object('k')).replaceAll('><', '>\r\n  <')],
  ])('with %s is read', (_what, text) => {
    expect(parseListing(bytes(text), WHERE)).toMatchObject({ objects: [{ key: 'k', size: 1 }] });
  });

  const ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>';
  test.each([
    ['declares entities', listing(object('&b;')).replace('?>', `?>${ENTITY}`)],
    ['is cut off', listing(object('k')).slice(0, -20)],
    ['is cut off behind its objects', listing(object('k')).replace('</ListBucketResult>', '')],
    ['does not say whether there is more', listing(object('k'), '')],
    ['does not say where there is more', listing(object('k'), '<IsTruncated>true</IsTruncated>')],
    ['is a page', '<html><body>Not here</body></html>'],
    ['has an object without a size', listing(object('k', '"0"', ''))],
    ['is empty', ''],
  ])('that %s is refused', (_what, text) => {
    expect(() => parseListing(bytes(text), WHERE)).toThrow(expect.objectContaining({ code: 'bad-input' }));
  });

  test('goes on where its token says, character by character', () => {
    const more =
      '<IsTruncated>true</IsTruncated><NextContinuationToken>1&#43;a/&amp;= </NextContinuationToken>';
    expect(parseListing(bytes(listing('', more)), WHERE)).toEqual({ objects: [], next: '1+a/&= ' });
  });
});

describe('the code of an error', () => {
  test.each([
    ['<Error><Code>NoSuchBucket</Code></Error>', 'NoSuchBucket'],
    [
      '<?xml version="1.0"?>\n<Error>\n  <Code>\n  No&#83;uchBucket </Code><Message>a &lt;Code&gt; &amp;</Message>\n</Error>',
      'NoSuchBucket',
    ],
    [
      '<Error><Message>&lt;Code&gt;Forged&lt;/Code&gt;</Message><Code><![CDATA[SlowDown]]></Code></Error>',
      'SlowDown',
    ],
    ['<Error><!-- <Code>Old</Code> --><Code>SlowDown</Code></Error>', 'SlowDown'],
    ['<html><Code>SlowDown</Code></html>', undefined],
    ['<Error><Code>\u001b[31mred</Code></Error>', undefined],
    ['', undefined],
  ])('of %j is %s', (body, code) => {
    expect(parseErrorCode(bytes(body), WHERE)).toBe(code);
  });
});

test.each([
  ['<DeleteResult/>', []],
  ['<DeleteResult>\n</DeleteResult>', []],
  [
    '<DeleteResult><Error><Key>a&#38;b </Key><Code>AccessDenied</Code></Error></DeleteResult>',
    [{ key: 'a&b ', code: 'AccessDenied' }],
  ],
  [
    '<DeleteResult>\n <Error><Key>1</Key></Error>\n <Error><Key>2</Key></Error>\n</DeleteResult>',
    [
      { key: '1', code: '' },
      { key: '2', code: '' },
    ],
  ],
])('the answer %j to a deletion names its failures', (body, failures) => {
  expect(parseFailures(bytes(body), WHERE)).toEqual(failures);
});
