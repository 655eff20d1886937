import { withoutNulls } from './payload.ts';
import { plainValue, textOf } from './symbols.ts';

/** As brew sends for `user_agent: :fake` or `:browser`. */
const BROWSER =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15';
const USER_AGENTS: Readonly<Record<string, string | undefined>> = {
  ...{ ':fake': BROWSER, ':browser': BROWSER, ':curl': 'curl/8.5.0', ':default': undefined },
};

/** A name and a value as HTTP allows them (RFC 9110, sections 5.1 and 5.5). */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** What the connection or our own requests decide. */
const OURS =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|range|accept-encoding|content-.*|if-.*|proxy-.*)$/;
/** How Homebrew writes what brew takes from its user's environment. */
const FROM_ENVIRONMENT = '{{HOMEBREW_';

/**
 * Returns the headers, by lower-case name, that a cask's `url` asks for with `user_agent`, `referer`, `cookies` and
 * `header`, or the reason why they cannot be sent as a sentence.
 */
export function requestHeaders(urlArguments: Record<string, unknown>): Record<string, string> | string {
  const given = Object.fromEntries(
    Object.entries(urlArguments).map(([key, value]) => [key.replace(/^:/, ''), value]),
  );
  const headers: Record<string, string> = {};
  const pairs = [...namedHeaders(given), ...[given.header, given.headers].flat().flatMap(splitHeader)];
  for (const [name, value] of pairs) {
    if (value?.includes(FROM_ENVIRONMENT)) return 'its download wants a secret from the environment';
    if (value === undefined || !NAME.test(name) || !VALUE.test(value) || OURS.test(name)) {
      return `its download wants a header that cannot be sent: ${name}`;
    }
    headers[name] = value;
  }
  return headers;
}

function namedHeaders({ user_agent, referer, cookies }: Record<string, unknown>): [string, string][] {
  const agent =
    typeof user_agent === 'string' && Object.hasOwn(USER_AGENTS, user_agent)
      ? USER_AGENTS[user_agent]
      : user_agent;
  const pairs = Object.entries(withoutNulls(plainValue(cookies ?? {}) as Record<string, unknown>));
  const cookie = pairs.map(([name, value]) => `${name}=${textOf(value)}`).join('; ');
  return Object.entries({ 'user-agent': agent, referer, cookie: cookie || undefined }).flatMap(
    ([name, value]): [string, string][] => (value === undefined ? [] : [[name, textOf(plainValue(value))]]),
  );
}

/** Returns a header's name and value; no value for what is not a header. */
function splitHeader(header: unknown): [string, string | undefined][] {
  if (header === undefined || header === null) return [];
  const text = textOf(plainValue(header));
  const colon = text.indexOf(':');
  if (colon < 0) return [[text, undefined]];
  return [[text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()]];
}
