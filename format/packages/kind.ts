/** What tells one kind of package from another wherever packages are listed, stored or shown. */
export interface PackageKind {
  /** In `index/packages.json` and the API. */
  id: string;
  /** For people: `formula`, `Linux app`. */
  label: string;
  /** For people, as a heading. */
  plural: string;
  /** Top-level folder of its files. */
  folder: string;
  /** Folder below `index/` and name of its database. */
  index: string;
  /** Name in `manifest.json` and in the index manifest. */
  key: string;
}
