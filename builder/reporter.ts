/** How far a piece of work has come. */
export interface Progress {
  /** What is being done, for example `Downloading`. */
  label: string;
  done: number;
  total: number;
  /** Bytes handled so far, and of how many where that is known. */
  bytes: number;
  totalBytes?: number;
}

/** Where long work tells people what it does; the command line draws it, tests ignore it. */
export interface Reporter {
  progress(progress: Progress): void;
  note(text: string): void;
  warn(text: string): void;
}
