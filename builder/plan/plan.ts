import type { StoredFile } from '../index/database.ts';
import type { UpstreamLocation } from '../upstream/location.ts';
import type { UpstreamBottle, UpstreamCask, UpstreamFormula } from '../upstream/package-json.ts';
import type { PlannedBrew } from './brew.ts';
import type { CarriedCask, CarriedFormula, CarriedLinuxApp } from './carried.ts';
import type { CatalogLinuxApp } from './catalog.ts';

/** A file to mirror. */
export interface PlannedFile {
  /** Name of the package that it belongs to. */
  of: string;
  path: string;
  url: string;
  /** Hex; `undefined` where the upstream does not say: then it is taken as it comes. */
  sha256: string | undefined;
  /** SHA-256 of the same file in the mirror so far, which stays when the upstream does not say better. */
  before?: string | undefined;
  /** True when it is fetched although it is here. */
  forced?: boolean;
  /** What `url` is relative to, when it is not the upstream of the plan. */
  from?: UpstreamLocation;
}

/** What planned packages of every kind have in common. */
export interface PlannedPackage {
  /** The upstream's own hash of the package's JSON, by which a change there is seen. */
  upstreamHash: string | null;
  /** False for a package that the index names and describes without any of its files. */
  mirrored: boolean;
}

export interface PlannedFormula extends PlannedPackage {
  json: UpstreamFormula;
  updatedAt: number | null;
  /** By the platform under which clients look the bottle up. */
  bottles: Map<string, PlannedFile & { bottle: UpstreamBottle }>;
}

export interface PlannedCask extends PlannedPackage {
  json: UpstreamCask;
  updatedAt: number | null;
  /** By architecture; the empty one is the file for all. */
  files: Map<string, PlannedFile>;
}

export interface PlannedLinuxApp extends PlannedPackage {
  app: CatalogLinuxApp;
  /** Absent for a Flatpak, which comes from its own remote. */
  file: PlannedFile | undefined;
}

/** A package that is not taken, or not whole, and why. */
export interface Remark {
  name: string;
  reason: string;
}

/** Packages to be described from what the upstream says of them, and those that stay as they are. */
export interface Planned<Fresh, Carried> {
  fresh: Fresh[];
  carried: Carried[];
}

/** What a mirror is to contain. */
export interface Plan {
  formulas: Planned<PlannedFormula, CarriedFormula>;
  casks: Planned<PlannedCask, CarriedCask>;
  linuxApps: Planned<PlannedLinuxApp, CarriedLinuxApp>;
  /** What brew asks for; absent where it is no client. */
  brew: PlannedBrew | undefined;
  /** What was asked for or needed and cannot be had. */
  skipped: Remark[];
  /** What could not be read; only where the plan goes on without. */
  failed: Remark[];
  /** Packages that the upstream has no more, kept as the mirror has them. */
  kept: string[];
}

/** The distinct files that a package is made of. */
export const filesOf = (item: PlannedFormula | PlannedCask | PlannedLinuxApp): PlannedFile[] => [
  ...new Map(allFilesOf(item).map((file) => [file.path, file])).values(),
];

function allFilesOf(item: PlannedFormula | PlannedCask | PlannedLinuxApp): PlannedFile[] {
  if ('bottles' in item) return [...item.bottles.values()];
  if ('files' in item) return [...item.files.values()];
  return item.file ? [item.file] : [];
}

/** The bottles that brew asks for; most of them are those that stout is given as well. */
export const brewBottlesOf = ({ brew }: Plan): PlannedFile[] =>
  brew?.images.flatMap(({ bottles }) => bottles) ?? [];

/** The distinct files, package JSON included, of the packages that stay as they are. */
export function carriedFiles({ formulas, casks, linuxApps }: Plan): StoredFile[] {
  const carried = [...formulas.carried, ...casks.carried, ...linuxApps.carried];
  const files = carried.flatMap((item) => item.files);
  return [...new Map(files.map((file) => [file.path, file])).values()];
}
