import { type CaskJson, cask as caskKind } from '../../../format/packages/cask.ts';
import { parseValue } from '../../../format/parse.ts';
import { caskRequirements } from './cask-requirements.ts';
import { isDue } from './due.ts';
import type { Architecture, HomebrewCask } from './packages.ts';
import { plainText, plainValue, textOf } from './symbols.ts';

/** Artifacts that stout-index keeps. */
const KEPT: readonly string[] = [
  ...['app', 'pkg', 'binary', 'zap', 'uninstall', 'prefpane', 'qlplugin', 'mdimporter', 'colorpicker'],
  ...['dictionary', 'font', 'service', 'input_method', 'internet_plugin', 'audio_unit_plugin', 'vst_plugin'],
  ...['vst3_plugin', 'screen_saver', 'suite'],
];

/**
 * Returns a cask's JSON as stout-index would have it, with `url_specs` where the architectures that were read have different
 * files, or one of them has none of this version. Throws `bad-input`.
 */
export function caskJson(
  cask: HomebrewCask,
  architectures: ReadonlySet<Architecture>,
  commit: string | null,
): CaskJson {
  const { token, struct, generatedAt, downloads } = cask;
  const { deprecate_args, disable_args } = struct;
  const disabled = isDue(disable_args, generatedAt);
  const files = [...downloads].map(
    ([arch, { url, sha256: digest }]) => [arch, { url, sha256: digest }] as const,
  );
  const [main] = files.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
  const isOne = files.every(([, file]) => file.url === main?.url && file.sha256 === main?.sha256);
  const isForAll = cask.release < 0 || [...architectures].every((arch) => downloads.has(arch));
  return parseValue(
    caskKind.schema,
    {
      ...{ token, name: struct.names.map(plainText), version: plainText(struct.version) },
      ...main,
      ...(isOne && isForAll ? {} : { url_specs: Object.fromEntries(files) }),
      homepage: struct.homepage && plainText(struct.homepage),
      desc: struct.desc && plainText(struct.desc),
      tap: struct.tap_string,
      artifacts: struct.raw_artifacts.flatMap(artifactOf),
      caveats: struct.raw_caveats === undefined ? null : plainText(struct.raw_caveats),
      depends_on: caskRequirements(struct.depends_on_args),
      conflicts_with: plainValue(struct.conflicts_with_args ?? null),
      auto_updates: struct.auto_updates,
      deprecated: isDue(deprecate_args, generatedAt) || (disable_args !== undefined && !disabled),
      disabled,
      container: plainValue(struct.container_args ?? null),
      meta: { ruby_source_path: struct.ruby_source_path ?? sourcePath(token), tap_git_head: commit },
    },
    token,
  );
}

const sourcePath = (token: string): string => `Casks/${token.charAt(0)}/${token}.rb`;

/** Converts `[key, arguments, options, block]`, without its blanks, to an artifact of stout-index. */
function artifactOf([key, ...rest]: unknown[]): object[] {
  const type = plainText(textOf(key));
  if (!KEPT.includes(type)) return [];
  const list = rest.find(Array.isArray) ?? [];
  const [first] = list.map(plainValue);
  const found = rest.find((part) => typeof part === 'object' && part !== null && !Array.isArray(part));
  const options = plainValue(found ?? {}) as Record<string, unknown>;
  if (type === 'zap' || type === 'uninstall') return [{ type, stanza: [options] }];
  if (type === 'pkg') return [{ type, path: first }];
  return [{ type, source: first, ...('target' in options ? { target: options.target } : {}) }];
}
