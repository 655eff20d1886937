// What the server and the script of the folder page say alike.

/** An order is not that of the whole folder. */
export const EACH_BY_ITSELF = 'Each part is sorted by itself.';
