import { cask } from '../../format/packages/cask.ts';
import { formula } from '../../format/packages/formula.ts';
import type { PackageKind, Table } from '../../format/packages/kind.ts';

/** The tables of stout's database that it copies casks into. */
const CASK_TABLES: readonly Table[] = [
  {
    name: 'casks',
    owner: 'token',
    columns: {
      ...{
        token: 'TEXT PRIMARY KEY',
        name: 'TEXT',
        version: 'TEXT NOT NULL',
        desc: 'TEXT',
        homepage: 'TEXT',
      },
      ...{ tap: "TEXT DEFAULT 'homebrew/cask'", deprecated: 'INTEGER DEFAULT 0' },
      ...{ disabled: 'INTEGER DEFAULT 0', artifact_type: 'TEXT', json_hash: 'TEXT', updated_at: 'INTEGER' },
    },
    search: ['token', 'name', 'desc'],
    indexes: { idx_casks_tap: 'tap' },
  },
  {
    name: 'cask_dependencies',
    owner: 'cask',
    columns: { cask: 'TEXT NOT NULL', dep_name: 'TEXT NOT NULL', dep_type: 'TEXT NOT NULL' },
    constraints: ['PRIMARY KEY (cask, dep_name, dep_type)', 'FOREIGN KEY (cask) REFERENCES casks(token)'],
    indexes: { idx_cask_dependencies_cask: 'cask', idx_cask_dependencies_dep: 'dep_name' },
  },
];

/**
 * Returns the tables that a mirror's database of a kind has for stout only, empty: all that stout would otherwise add when it
 * opens the database. It would write them into a log beside the file, which stays when the next update replaces the file, and
 * then hides the new one (docs/decisions/0014).
 */
export function clientTables({ id }: Pick<PackageKind, 'id'>): readonly Table[] {
  if (id === formula.id) return CASK_TABLES;
  return id === cask.id ? formula.tables : [];
}
