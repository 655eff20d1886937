import { encodePath } from '../../format/layout.ts';
import { type Digests, storedFile } from '../directory/stored-file.ts';
import type { PlannedCask, PlannedFile, PlannedFormula, PlannedLinuxApp } from '../plan/plan.ts';

/** Package JSON as clients of this mirror see it: mirrored files have their path and size, and with a public URL that. */
export class ClientJson {
  readonly #digests: Digests;
  readonly #publicUrl: string | null;

  /** `publicUrl` has no trailing slash. Without one, `url` stays the upstream's until it is served. */
  constructor(digests: Digests, publicUrl: string | null) {
    this.#digests = digests;
    this.#publicUrl = publicUrl;
  }

  /** Only mirrored platforms: any other would send clients to the upstream. */
  formula({ json, bottles }: PlannedFormula): object {
    const mirrored = [...bottles].map(([platform, { bottle, ...file }]) => [
      platform,
      { ...bottle, ...this.#place(file) },
    ]);
    return { ...json, bottles: Object.fromEntries(mirrored) };
  }

  cask(cask: PlannedCask): object {
    const { url_specs: specs, ...rest } = cask.json;
    const main = mainFile(cask);
    return {
      ...rest,
      ...(main ? this.#place(main) : {}),
      ...(specs ? { url_specs: Object.fromEntries(this.#specs(specs, cask.files)) } : {}),
    };
  }

  linuxApp({ app, file }: PlannedLinuxApp): object {
    const { json_hash: _, categories, ...rest } = app;
    const place = file && this.#place(file);
    const { url: download_url = app.download_url, ...placed } = place ?? {};
    return { ...rest, categories: listOf(categories), download_url, ...placed };
  }

  #specs(specs: Record<string, object>, files: ReadonlyMap<string, PlannedFile>): [string, object][] {
    return Object.entries(specs).map(([arch, spec]) => {
      const file = files.get(arch);
      return [arch, file ? { ...spec, ...this.#place(file) } : spec];
    });
  }

  /** The checksum of what is here, also where the upstream had none: clients can check what they get from us. */
  #place(file: PlannedFile): { path: string; size: number; sha256: string; url?: string } {
    const stored = storedFile(file, this.#digests);
    const url = this.#publicUrl === null ? {} : { url: `${this.#publicUrl}/${encodePath(stored.path)}` };
    return { ...stored, ...url };
  }
}

/** The file of a cask that its own `url` stands for. */
export const mainFile = ({ json, files }: PlannedCask): PlannedFile | undefined =>
  files.get('') ??
  [...files.values()].find(
    ({ sha256, url }) => url === json.url || (sha256 !== undefined && sha256 === json.sha256),
  );

/** The members of a comma-joined column. */
export const listOf = (text: string | null): string[] => (text ? text.split(',') : []);
