import * as v from 'valibot';

const MAX_SOURCE = 2000;
const HOST = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?$/;
const SOURCE = /^https:\/\/([^/]*)\/[!"$-~]*$/;

/** A host that files on demand may be fetched from: a name with a dot, which leaves out every form of address. */
export const hostSchema = v.pipe(v.string(), v.regex(HOST, 'Not the name of a host in lower case.'));

/** Returns true for a host that files on demand may be fetched from. */
export const isHost = (text: string): boolean => HOST.test(text);

/**
 * Returns the host of a source of a file on demand; `undefined` if the text is not a source (docs/format.md section 4). The
 * form has no place for a user, a password, a port or a fragment, so no two URL parsers see two hosts in it.
 */
export function sourceHost(source: string): string | undefined {
  const host = source.length <= MAX_SOURCE ? SOURCE.exec(source)?.[1] : undefined;
  return host !== undefined && isHost(host) ? host : undefined;
}
