import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readContents } from '../../../builder/directory/mirror.ts';
import { localPath } from '../../../builder/directory/paths.ts';
import { sameBytes } from '../../../format/bytes.ts';
import { leafPath, ROOT, signaturePath } from '../../../format/layout.ts';
import { isOwnFile } from '../../../format/snapshot/entry.ts';
import { copyMirror, makeMirror, REQUEST } from '../mirror.ts';
import { Random } from '../random.ts';
import { DAMAGES, type Damage } from './damage.ts';
import { withoutSignature } from './folder-damages.ts';
import { LIES, type Lie, type Truth } from './lies.ts';
import type { Finding, PlacedMirror } from './placed-mirror.ts';

/** How planted damage was handled. */
export interface Met {
  tried: number;
  /** The cases that were not found, not named, or served. */
  lost: string[];
}

/** Makes a mirror and an earlier snapshot of it; both are truly signed. */
export async function makeTruth(folder: string): Promise<{ directory: string; truth: Truth }> {
  const [directory, before] = [join(folder, 'mirror'), join(folder, 'before')];
  const request = { ...REQUEST, packages: ['jq'] };
  await makeMirror(directory, { request, now: new Date(Date.now() - 60_000) });
  await copyMirror(directory, before);
  await makeMirror(directory, { request: { ...request, packages: ['jq', 'xz'] } });
  return { directory, truth: { now: await filesOf(directory), before: await filesOf(before) } };
}

/** Every file of a mirror with every damage, one after the other. */
export async function damageInTurn(
  placed: PlacedMirror,
  seed: number,
  paths: readonly string[],
): Promise<Met> {
  const random = new Random(seed);
  const met: Met = { tried: 0, lost: [] };
  for (const path of paths) {
    for (const [name, damage] of Object.entries(DAMAGES)) {
      const bytes = damagedBytes(placed, path, damage, random);
      await meet(placed, `${path}, ${name}`, { files: new Map([[path, bytes]]), about: [path] }, met);
    }
  }
  return met;
}

/** Every file that the snapshot lists, each with one of the damages, all at once: what each verification names. */
export async function damageTogether(
  placed: PlacedMirror,
  seed: number,
): Promise<{ damaged: string[]; found: Map<string, Finding>; served: string[] }> {
  const random = new Random(seed);
  const damages = Object.values(DAMAGES);
  const damaged = [...placed.files.keys()].filter((path) => !path.startsWith('snapshot/'));
  const files = new Map(
    damaged.map((path, index) => {
      const damage = damages[index % damages.length];
      return [path, damage && damagedBytes(placed, path, damage, random)] as const;
    }),
  );
  await placed.place(files);
  const outcome = { damaged, found: await placed.verify(), served: await placed.served(damaged) };
  await placed.restore(files);
  return outcome;
}

/** Tries the lies that are possible without our key: all, or some by name. */
export async function tellLies(placed: PlacedMirror, truth: Truth, chosen = Object.keys(LIES)): Promise<Met> {
  const met: Met = { tried: 0, lost: [] };
  for (const [name, lie] of Object.entries(LIES))
    if (chosen.includes(name)) await meet(placed, name, lie(truth), met);
  return met;
}

async function meet(
  placed: PlacedMirror,
  name: string,
  { files, about, trulySigned }: Lie,
  met: Met,
): Promise<void> {
  await placed.place(files);
  for (const [by, finding] of await placed.verify()) {
    if (!names(finding, about))
      met.lost.push(`${name}: ${by} names ${finding.paths.join(', ') || 'nothing'}`);
  }
  const asked = trulySigned ? [] : files.keys();
  for (const path of await placed.served(asked)) met.lost.push(`${name}: ${path} was served`);
  met.tried += 1;
  await placed.restore(files);
}

/** Returns whether a verification named one of the files. */
function names({ ok, paths }: Finding, about: readonly string[]): boolean {
  const expected = new Set(about.map(withoutSignature));
  return !ok && paths.some((path) => expected.has(withoutSignature(path)));
}

/** Draws damage until it is some: the first line of a signature is a comment that nobody signs, nor its last line's end. */
function damagedBytes(placed: PlacedMirror, path: string, damage: Damage, random: Random) {
  const bytes = placed.files.get(path) ?? new Uint8Array();
  const signed = (text: Uint8Array): Uint8Array =>
    path === signaturePath(ROOT)
      ? Buffer.from(Buffer.from(text).toString('latin1').split('\n').slice(1).join('\n').trimEnd())
      : text;
  for (;;) {
    const damaged = damage(bytes, otherFile(placed, path, random), random);
    if (!damaged || !sameBytes(signed(damaged), signed(bytes))) return damaged;
  }
}

function otherFile({ files }: PlacedMirror, path: string, random: Random): Uint8Array {
  const others = [...files].filter(([other]) => other !== path);
  return others[random.below(others.length)]?.[1] ?? new Uint8Array();
}

async function filesOf(directory: string): Promise<Map<string, Uint8Array>> {
  const { entries = [], snapshot } = (await readContents(directory)) ?? {};
  const leaves = (snapshot?.leaves ?? []).map(({ sha256 }) => leafPath(sha256));
  const files = new Map<string, Uint8Array>();
  for (const path of [
    ...entries.filter(isOwnFile).map(({ name }) => name),
    ...leaves,
    ROOT,
    signaturePath(ROOT),
  ]) {
    if (!path.startsWith('blobs/')) files.set(path, await readFile(localPath(directory, path)));
  }
  return files;
}
