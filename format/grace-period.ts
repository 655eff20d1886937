/** Days for which superseded content stays available to clients that hold an older index. */
export const GRACE_PERIOD_DAYS = 7;

/** The same in seconds. */
export const GRACE_PERIOD = GRACE_PERIOD_DAYS * 24 * 60 * 60;
