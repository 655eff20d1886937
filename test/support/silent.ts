import type { Reporter } from '../../builder/reporter.ts';

/** A reporter that nobody reads. */
export const SILENT: Reporter = { progress: () => undefined, note: () => undefined, warn: () => undefined };
