import { join } from 'node:path';

/** Our own records inside a mirror; never part of a snapshot, never served. */
export const PRIVATE = '.stout-mirror';

/** The local path of a mirror path, which uses `/` everywhere. */
export const localPath = (directory: string, path: string): string => join(directory, ...path.split('/'));

export const incomingDirectory = (directory: string): string => join(directory, PRIVATE, 'incoming');
/** Where an upstream's databases stand while they are read. */
export const upstreamFolder = (directory: string): string => join(directory, PRIVATE, 'upstream');
export const journalPath = (directory: string): string => join(directory, PRIVATE, 'journal.json');
export const lockPath = (directory: string): string => join(directory, PRIVATE, 'lock');
/** Who holds the lock, for people. */
export const lockHolderPath = (directory: string): string => join(directory, PRIVATE, 'lock-holder');
