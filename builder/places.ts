import { homedir } from 'node:os';
import { join } from 'node:path';

/** The environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns this user's folder for keys, `$XDG_CONFIG_HOME/stout-mirror` (XDG Base Directory Specification). */
export const configFolder = (environment: Environment): string =>
  userFolder(environment, 'CONFIG', '.config');

/** Returns this user's folder for caches, `$XDG_CACHE_HOME/stout-mirror`. */
export const cacheFolder = (environment: Environment): string => userFolder(environment, 'CACHE', '.cache');

/** Returns this user's folder for what commands remember, `$XDG_STATE_HOME/stout-mirror`. */
export const stateFolder = (environment: Environment): string =>
  userFolder(environment, 'STATE', '.local/state');

function userFolder(environment: Environment, purpose: string, fallback: string): string {
  const base = environment[`XDG_${purpose}_HOME`] || join(environment.HOME || homedir(), fallback);
  return join(base, 'stout-mirror');
}
