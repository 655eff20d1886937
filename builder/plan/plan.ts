import type { ListedPackage } from '../../format/package-list.ts';
import type { BySlot, ManifestEntry, OfferedFile, Rows, StoredFile } from '../../format/packages/kind.ts';
import type { Kind } from '../../format/packages/kinds.ts';
import type { PolicyDocument } from '../../format/policy.ts';
import type { UpstreamLocation } from '../upstream/location.ts';
import type { NeededBy } from './closure.ts';

/** A file to mirror. */
export interface PlannedFile extends OfferedFile {
  /** Name of the package that it belongs to. */
  of: string;
  /** SHA-256 of the same file in the mirror so far, which is kept when the upstream declares none. */
  before?: string | undefined;
  /** True to fetch it even if it is here. */
  forced: boolean;
  /** Headers that its server wants, by lower-case name. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** What `url` is relative to, when that is not the upstream of the plan. */
  from?: UpstreamLocation;
  /** Where a server fetches it when somebody first asks for it; absent for a file that is fetched now. */
  source?: string | undefined;
}

/** A package that is described again, from what the upstream says now. */
export interface PlannedPackage {
  kind: Kind;
  name: string;
  version: string;
  /** The upstream's description, which only `kind` understands. */
  json: unknown;
  /** The upstream's own hash of that description. */
  upstreamHash: string | null;
  /** Unix seconds. */
  updatedAt: number | null;
  files: BySlot<PlannedFile>;
  /** False for a package that the index lists without any of its files. */
  mirrored: boolean;
}

/** A package that stays as the mirror has it: nothing of it is fetched or written again. */
export interface CarriedPackage {
  kind: Kind;
  name: string;
  /** The upstream's own hash of the package's description when the mirror took it. */
  upstreamHash: string | null;
  /** Reads its rows in the index, which an unchanged index never needs. */
  rows: () => Rows;
  /** Absent for a package that is only listed, without files. */
  entry: ManifestEntry | undefined;
  /** True if one of its files is on demand. */
  isOnDemand: boolean;
  listed: ListedPackage | undefined;
  /** Package JSON and files. */
  files: StoredFile[];
}

/** A bottle as brew asks for it. */
export interface BrewBottle extends PlannedFile {
  sha256: string;
  /** Platforms that it serves. */
  tags: string[];
  /** The name of its image in the image index. */
  refName: string;
}

/** A formula's OCI image index, and the bottles that brew looks for in it. */
export interface BrewImage {
  of: string;
  /** Tag in the registry: `<version>[_<revision>][-<rebuild>]`. */
  reference: string;
  /** Path of the index in the mirror. */
  path: string;
  bottles: BrewBottle[];
}

/** A package that is not taken, or not completely, and why. */
export interface Remark {
  name: string;
  reason: string;
}

/** What a mirror will contain. */
export interface Plan {
  fresh: PlannedPackage[];
  carried: CarriedPackage[];
  /** For brew, besides Homebrew's API; absent where brew is not a client. */
  images: BrewImage[] | undefined;
  /** Who needs each package that was not asked for. */
  neededBy: NeededBy;
  /** What was asked for or needed and is not available. */
  skipped: Remark[];
  /** What could not be read, where the plan goes on without it. */
  failed: Remark[];
  /** Packages that are no longer available upstream, kept as the mirror has them. */
  kept: string[];
  /** What the policy decided. */
  policy: PolicyDocument;
  /** Sentences about names in the policy that no package has. */
  warnings: string[];
}

/** Returns the distinct files of a package. */
export const filesOf = ({ files }: PlannedPackage): PlannedFile[] => [
  ...new Map([...files.values()].map((file) => [file.path, file])).values(),
];

/** Returns the bottles that brew asks for, most of which stout is given as well. */
export const brewBottlesOf = ({ images }: Plan): BrewBottle[] =>
  images?.flatMap(({ bottles }) => bottles) ?? [];

/** Returns the distinct files, package JSON included, of the packages that stay as they are. */
export const carriedFiles = ({ carried }: Plan): StoredFile[] => [
  ...new Map(carried.flatMap(({ files }) => files).map((file) => [file.path, file])).values(),
];
