/** Returns Unix seconds as RFC 3339 in UTC without a fraction. */
export const isoSeconds = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
