import type { FileDigest } from '../directory/hash.ts';
import type { PlannedCask, PlannedFile, PlannedFormula } from '../plan/plan.ts';
import { storedFile } from './stored-file.ts';

type Digests = ReadonlyMap<string, FileDigest>;

/**
 * A formula's JSON as clients of this mirror see it: only mirrored platforms (any other would send them to the
 * upstream), each bottle with its path and size here. `url` stays the upstream's until it is served.
 */
export function clientFormula({ json, bottles }: PlannedFormula, digests: Digests): Record<string, unknown> {
  const mirrored = [...bottles].map(([platform, { bottle, ...file }]) => [
    platform,
    { ...bottle, ...place(file, digests) },
  ]);
  return { ...json, bottles: Object.fromEntries(mirrored) };
}

/** A cask's JSON, as {@link clientFormula}. */
export function clientCask({ json, files }: PlannedCask, digests: Digests): Record<string, unknown> {
  const { url_specs: specs, ...rest } = json;
  const main = [...files.values()].find((file) => file.sha256 === json.sha256);
  return {
    ...rest,
    ...(main ? place(main, digests) : {}),
    ...(specs ? { url_specs: Object.fromEntries(specsOf(specs, files, digests)) } : {}),
  };
}

function specsOf(
  specs: Record<string, object>,
  files: ReadonlyMap<string, PlannedFile>,
  digests: Digests,
): [string, object][] {
  return Object.entries(specs).map(([arch, spec]) => {
    const file = files.get(arch);
    return [arch, file ? { ...spec, ...place(file, digests) } : spec];
  });
}

function place(file: PlannedFile, digests: Digests): { path: string; size: number } {
  const { path, size } = storedFile(file, digests);
  return { path, size };
}
