import { join } from 'node:path';

/** Folder of our own records in a mirror. It is never part of a snapshot and never served. */
export const PRIVATE = '.stout-mirror';

/** Returns the local path of a mirror path, which uses `/` on every system. */
export const localPath = (directory: string, path: string): string => join(directory, ...path.split('/'));

export const incomingDirectory = (directory: string): string => join(directory, PRIVATE, 'incoming');
/** Returns the folder for an upstream's databases while they are read. */
export const upstreamFolder = (directory: string): string => join(directory, PRIVATE, 'upstream');
export const journalPath = (directory: string): string => join(directory, PRIVATE, 'journal.json');
export const lockPath = (directory: string): string => join(directory, PRIVATE, 'lock');
/** Returns the path of the file that names the holder of the lock. */
export const lockHolderPath = (directory: string): string => join(directory, PRIVATE, 'lock-holder');
