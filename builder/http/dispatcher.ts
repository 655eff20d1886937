import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { isLoopbackHttp } from './policy.ts';

/** Connections to one host at a time: enough to fill a line, not so many that a registry takes offence. */
const CONNECTIONS_PER_HOST = 16;
const CONNECT_SECONDS = 20;
/** How long nothing may come before a connection counts as broken. */
export const STALL_SECONDS = 60;

const limits = {
  connections: CONNECTIONS_PER_HOST,
  connect: { timeout: CONNECT_SECONDS * 1000 },
  headersTimeout: STALL_SECONDS * 1000,
  bodyTimeout: STALL_SECONDS * 1000,
};

let outside: Dispatcher | undefined;
let loopback: Dispatcher | undefined;

/** Where a request goes out: by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, except to this machine, which no proxy can reach for us. */
export function dispatcherFor(url: URL): Dispatcher {
  if (isLoopbackHttp(url)) {
    loopback ??= new Agent(limits);
    return loopback;
  }
  outside ??= new EnvHttpProxyAgent(limits);
  return outside;
}
