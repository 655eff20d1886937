/** How far a task has come. */
export interface Progress {
  /** Name of the task, for example `Downloading`. */
  label: string;
  done: number;
  total: number;
  /** Bytes handled so far, and their total if known. */
  bytes: number;
  totalBytes?: number;
}

/** Where long tasks report what they do. The command line shows it, tests ignore it. */
export interface Reporter {
  progress(progress: Progress): void;
  note(text: string): void;
  warn(text: string): void;
}
