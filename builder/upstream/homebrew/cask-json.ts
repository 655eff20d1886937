import { isSha256 } from '../../../format/digest.ts';
import { type CaskJson, cask as caskKind } from '../../../format/packages/cask.ts';
import { parseValue } from '../../../format/parse.ts';
import { isDue } from './due.ts';
import type { HomebrewCask } from './packages.ts';
import { plainText, plainValue, textOf } from './symbols.ts';

/** Artifacts that stout-index keeps. */
const KEPT: readonly string[] = [
  ...['app', 'pkg', 'binary', 'zap', 'uninstall', 'prefpane', 'qlplugin', 'mdimporter', 'colorpicker'],
  ...['dictionary', 'font', 'service', 'input_method', 'internet_plugin', 'audio_unit_plugin', 'vst_plugin'],
  ...['vst3_plugin', 'screen_saver', 'suite'],
];

/** Versions of macOS as casks name them in what they depend on. */
const MACOS_VERSIONS: Record<string, string> = {
  ...{ el_capitan: '10.11', sierra: '10.12', high_sierra: '10.13', mojave: '10.14', catalina: '10.15' },
  ...{ big_sur: '11', monterey: '12', ventura: '13', sonoma: '14', sequoia: '15', tahoe: '26' },
  golden_gate: '27',
};

/** Returns a cask's JSON as stout-index would have it, with `url_specs` where the architectures differ. Throws `bad-input`. */
export function caskJson(cask: HomebrewCask, commit: string | null): CaskJson {
  const { token, struct, generatedAt, downloads } = cask;
  const { deprecate_args, disable_args } = struct;
  const disabled = isDue(disable_args, generatedAt);
  const [arm, intel] = [downloads.get('arm64'), downloads.get('intel')];
  const differs = arm && intel && (arm.url !== intel.url || arm.sha256 !== intel.sha256);
  const main = arm ?? intel ?? { url: struct.url_args[0] ?? '', sha256: struct.sha256 };
  return parseValue(
    caskKind.schema,
    {
      ...{ token, name: struct.names.map(plainText), version: plainText(struct.version) },
      ...fileOf(main),
      ...(differs ? { url_specs: { arm64: fileOf(arm), intel: fileOf(intel) } } : {}),
      ...{ homepage: struct.homepage, desc: struct.desc && plainText(struct.desc), tap: struct.tap_string },
      artifacts: struct.raw_artifacts.flatMap(artifactOf),
      caveats: struct.raw_caveats === undefined ? null : plainText(struct.raw_caveats),
      depends_on: dependsOn(struct.depends_on_args),
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

/** Anything but a SHA-256 becomes `no_check`. */
const fileOf = ({ url, sha256 }: { url: string; sha256: string }) => ({
  url,
  sha256: isSha256(sha256) ? sha256 : 'no_check',
});

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

/** Homebrew writes `>= :catalina` where stout-index has `{">=": ["10.15"]}`. */
function dependsOn(args: Record<string, unknown>): object {
  const plain = plainValue(args) as Record<string, unknown>;
  const { macos } = plain;
  if (macos === undefined) return plain;
  const [, operator, release] = /^(\S+) :(\w+)$/.exec(textOf(macos)) ?? [];
  const versions = release === undefined ? [macos].flat().map(textOf) : [release];
  return { ...plain, macos: { [operator ?? '==']: versions.map((name) => MACOS_VERSIONS[name] ?? name) } };
}
