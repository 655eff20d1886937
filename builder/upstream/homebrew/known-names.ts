/** More steps than any package was renamed; a circle of names has no end. */
const MAX_RENAMES = 10;

/** Packages of one kind by every name that Homebrew knows, and what it says of those that cannot be mirrored. */
export class KnownNames<Package> {
  readonly #packages = new Map<string, Package>();
  readonly #leftOut = new Map<string, string>();
  readonly #others = new Map<string, string>();
  readonly #moved = new Map<string, string>();

  set(name: string, found: Package): void {
    this.#packages.set(name, found);
  }

  get = (name: string): Package | undefined => this.#packages.get(name);

  /** Notes why a package cannot be mirrored, on one platform at least. */
  leaveOut(name: string, reason: string): void {
    this.#leftOut.set(name, reason);
  }

  /** Adds other names (aliases, former names), each with the package's present name. */
  rename(...names: (Readonly<Record<string, string>> | null)[]): void {
    for (const map of names)
      for (const [other, name] of Object.entries(map ?? {})) this.#others.set(other, name);
  }

  /** Adds packages that went to another tap, or to another kind, with the place. */
  moved(places: Readonly<Record<string, string>> | null): void {
    for (const [name, place] of Object.entries(places ?? {})) this.#moved.set(name, place);
  }

  /** Returns all packages that can be mirrored. */
  packages = (): Iterable<Package> => this.#packages.values();

  /** Returns all names of packages, those that cannot be mirrored included. */
  names = (): string[] => [...new Set([...this.#packages.keys(), ...this.#leftOut.keys()])];

  /** Returns the package's own name for a name, an alias or a former name; `undefined` if Homebrew has no such package. */
  nameOf = (text: string): string | undefined => {
    let name: string | undefined = text;
    for (let step = 0; name !== undefined && step <= MAX_RENAMES; step++) {
      if (this.#packages.has(name) || this.#leftOut.has(name)) return name;
      name = this.#others.get(name);
    }
    return undefined;
  };

  /** Returns a package that can be mirrored, by any of its names. */
  find = (text: string): Package | undefined => this.#packages.get(this.nameOf(text) ?? '');

  /** Says why nothing of a package, given by its own name, can be mirrored. */
  reason = (name: string): string | undefined =>
    this.#packages.has(name) ? undefined : this.#leftOut.get(name);

  /** Returns the tap that a package went to: `owner/tap`, or `owner/tap/name`. */
  movedTo = (name: string): string | undefined => this.#moved.get(name);
}
