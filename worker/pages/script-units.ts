/** What both scripts say numbers with: counts, shares, and sizes as the server writes them. */
export const UNITS_SCRIPT = `
const count = new Intl.NumberFormat('en');
const share = new Intl.NumberFormat('en', { style: 'percent' });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

const bytes = (size) => {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  for (; size >= 999.5 && unit < units.length - 1; unit++) size /= 1000;
  return short.format(size) + ' ' + units[unit];
};
`;
