import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { ifPresent } from '../directory/write.ts';
import type { Environment } from '../places.ts';

/** The settings of a profile in AWS's files, by their names in lower case. */
export type Profile = Readonly<Record<string, string>>;

/**
 * Reads the profile that AWS_PROFILE names, or `default`; the credentials file takes precedence over the config file. Throws
 * `usage` if the named one does not exist.
 */
export async function readProfile(environment: Environment): Promise<Profile> {
  const { AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, HOME } = environment;
  const folder = join(HOME || homedir(), '.aws');
  const name = AWS_PROFILE || 'default';
  const config = await readSection(AWS_CONFIG_FILE || join(folder, 'config'), [`profile ${name}`, name]);
  const credentials = await readSection(AWS_SHARED_CREDENTIALS_FILE || join(folder, 'credentials'), [name]);
  if (!config && !credentials && AWS_PROFILE) {
    throw new MirrorError('usage', `There is no profile ${AWS_PROFILE} in AWS's files.`, {
      where: folder,
      found: AWS_PROFILE,
    });
  }
  return { ...config, ...credentials };
}

/** Reads the first section with one of these names. */
async function readSection(path: string, names: readonly string[]): Promise<Profile | undefined> {
  const bytes = await ifPresent(readFile(path));
  const sections = bytes ? parseSections(textOf(bytes)) : new Map<string, Profile>();
  return names.map((name) => sections.get(name)).find((found) => found !== undefined);
}

/** Decodes UTF-8, or UTF-16 with its mark, as PowerShell writes files; without any mark. */
const textOf = (bytes: Uint8Array): string =>
  new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes);

/** Parses the sections of a file. A line that is indented deeper than the setting above belongs to it, and is skipped. */
function parseSections(text: string): Map<string, Profile> {
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> = {};
  let depth = Number.POSITIVE_INFINITY;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const name = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (name !== undefined) {
      const plain = name.replace(/["']/g, '').replace(/\s+/g, ' ');
      section = sections.get(plain) ?? {};
      sections.set(plain, section);
      depth = Number.POSITIVE_INFINITY;
      continue;
    }
    const [, indent = '', key, value = ''] = /^(\s*)([^\s#;=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || indent.length > depth) continue;
    depth = indent.length;
    section[key.toLowerCase()] = value;
  }
  return sections;
}
