/** What a row found. Ratios and the like are told in `found` as people read them. */
export interface Finding {
  /** Medians, ours and the peer's, with units. */
  ours: string;
  peer: string;
  /** What is compared with `reach`. */
  found: string;
  reached: boolean;
}

/** One line of the table: a piece of work, and what it is held against. */
export interface Row {
  name: string;
  work: string;
  peer: string;
  reach: string;
  /** Programs of Debian's that the row needs. */
  needs: readonly string[];
  run(place: Place): Promise<Finding[]>;
}

/** Where a row works. */
export interface Place {
  /** An empty folder of its own. */
  folder: string;
  /** How often each side runs. */
  times: number;
  /** Whether docs/ is to have the results. */
  write: boolean;
  /** Settings under which stout-mirror leaves the user's own files alone. */
  environment: Record<string, string> & { HOME: string };
}
