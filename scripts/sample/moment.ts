/** The one moment at which the whole sample upstream is published, in the forms that stout-index writes. */
export interface Moment {
  /** `YYYY.MM.DD.HHMM`, UTC. */
  version: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  unixSeconds: number;
}

/** The forms of `now`. */
export function momentOf(now: Date): Moment {
  const createdAt = now.toISOString();
  const [year, month, day, hour, minute] = createdAt.split(/[-T:]/);
  const version = `${year}.${month}.${day}.${hour}${minute}`;
  return { version, createdAt, unixSeconds: Math.floor(now.getTime() / 1000) };
}

/** What the root manifest says of one index; `count` as stout-index counts it. */
export interface IndexEntry {
  count: number;
  db_sha256: string;
  db_size: number;
  updated_at: string;
}

/** An index's line in the root manifest. */
export function indexEntry(
  count: number,
  index: { sha256: string; size: number },
  moment: Moment,
): IndexEntry {
  return { count, db_sha256: index.sha256, db_size: index.size, updated_at: moment.createdAt };
}
