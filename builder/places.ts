import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Folder of this user's caches: `$XDG_CACHE_HOME/stout-mirror` (XDG Base Directory Specification). */
export const cacheFolder = (environment: Environment): string =>
  join(environment.XDG_CACHE_HOME || join(environment.HOME || homedir(), '.cache'), 'stout-mirror');

/** Folder of what this user's commands remember: `$XDG_STATE_HOME/stout-mirror`. */
export const stateFolder = (environment: Environment): string =>
  join(environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local', 'state'), 'stout-mirror');
