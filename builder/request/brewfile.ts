import type { Remark } from '../plan/plan.ts';

/** The packages that a file names, and its entries that a mirror cannot use. */
export interface NamedPackages {
  formulas: string[];
  casks: string[];
  unused: Remark[];
}

/** Ruby around entries. Both branches of a condition are taken, because one mirror serves many machines. */
const CONTROL_FLOW = /^(?:(?:if|unless|elsif|case|when)\b.*|else|end)$/;
/** Settings that name no package. */
const SETTING = /^(?:cask_args|brew_args)\b/;
const ENTRY = /^([a-z_]+)\s*(?:\(\s*)?(["'])([^"'#]+)\2\s*(.*)$/s;
const OWN_TAPS: readonly string[] = [
  'homebrew/core',
  'homebrew/cask',
  'homebrew/bundle',
  'homebrew/services',
];

/**
 * Reads a Brewfile, which is Ruby, without running it: `tap`, `brew` and `cask` entries with their options, which may span
 * lines. Lists in `unused` what cannot be mirrored or is not understood.
 */
export function parseBrewfile(text: string): NamedPackages {
  const packages: NamedPackages = { formulas: [], casks: [], unused: [] };
  for (const statement of statementsOf(text)) {
    if (CONTROL_FLOW.test(statement) || SETTING.test(statement)) continue;
    const [, kind = '', , name = '', options = ''] = ENTRY.exec(statement) ?? [];
    if (name.includes('#{') || name === '') {
      packages.unused.push({ name: shortened(statement), reason: 'not understood' });
    } else take(packages, kind, name, options);
  }
  return packages;
}

function take(packages: NamedPackages, kind: string, name: string, options: string): void {
  const leave = (reason: string): void => {
    packages.unused.push({ name: `${kind} ${name}`, reason });
  };
  if (kind === 'tap') {
    if (!OWN_TAPS.includes(name)) leave('other taps are not in the upstream');
    return;
  }
  if (kind !== 'brew' && kind !== 'cask') {
    leave(`${kind} entries cannot be mirrored`);
    return;
  }
  const own = name.replace(kind === 'brew' ? /^homebrew\/core\// : /^homebrew\/cask\//, '');
  if (own.includes('/')) {
    leave('it is in a tap that is not in the upstream');
    return;
  }
  if (kind === 'cask') packages.casks.push(own);
  else packages.formulas.push(own);
  if (kind === 'brew' && /\bargs:/.test(options)) {
    leave('its options are ignored: a bottle is mirrored as it was built');
  }
}

/** Returns statements without comments; an entry that ends with a comma or an open bracket continues on the next line. */
function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let open: string[] = [];
  let depth = 0;
  let escaped = false;
  for (const line of text.split(/\r?\n/)) {
    const part = withoutComment(line).trim();
    // Only after a backslash does an empty line end a statement.
    if (part === '' && !escaped) continue;
    escaped = part.endsWith('\\');
    open.push(escaped ? part.slice(0, -1) : part);
    depth += brackets(part);
    if (escaped || part.endsWith(',') || depth > 0) continue;
    statements.push(open.join(' ').trim());
    open = [];
    depth = 0;
  }
  return open.length === 0 ? statements : [...statements, open.join(' ')];
}

// A quote that is never closed extends to the end; searching for its end from every quote would take quadratic time.
const QUOTED = /"(?:[^"\\]|\\.?)*(?:"|$)|'(?:[^'\\]|\\.?)*(?:'|$)/g;

function withoutComment(line: string): string {
  // A # in quoted text does not begin a comment.
  const masked = line.replace(QUOTED, (quoted) => 'q'.repeat(quoted.length));
  const comment = masked.indexOf('#');
  return comment < 0 ? line : line.slice(0, comment);
}

function brackets(statement: string): number {
  const bare = statement.replace(QUOTED, '');
  return bare.split(/[([{]/).length - bare.split(/[)\]}]/).length;
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
