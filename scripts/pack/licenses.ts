import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';

const packageSchema = v.object({
  name: v.string(),
  version: v.string(),
  license: v.string(),
  author: v.optional(v.union([v.string(), v.object({ name: v.string() })])),
});

/** The licences of the packages that a bundle was made from, given its input files relative to `project`. */
export async function licensesOf(project: string, inputs: readonly string[]): Promise<string> {
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const texts = [...new Set(folders)].sort().map((folder) => licenseOf(join(project, folder)));
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}

async function licenseOf(folder: string): Promise<string> {
  const { name, version, license, author } = v.parse(
    packageSchema,
    JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
  );
  const files = await readdir(folder);
  const file = files.find((entry) => /^licen[cs]e(?:\.(?:md|txt))?$/i.test(entry));
  // Apache-2.0, section 4(d).
  const notice = files.includes('NOTICE') ? await readFile(join(folder, 'NOTICE'), 'utf8') : '';
  const by = typeof author === 'string' ? author : author?.name;
  const text =
    file === undefined ? `${license}${by ? `, by ${by}` : ''}\n` : await readFile(join(folder, file), 'utf8');
  return `${name} ${version} (${license})\n\n${[text, notice]
    .map((part) => part.trimEnd())
    .join('\n\n')
    .trimEnd()}\n`;
}
