import type { Policy } from '../../format/policy.ts';
import type { MirrorSettings } from '../mirror-file/schema.ts';
import type { RequestFlags } from './flags.ts';
import type { Origin, SaidRequest } from './request.ts';

/** The settings of a request, and where its packages come from. Here the key of Homebrew's API is a file. */
export interface ReadSettings {
  request: Omit<SaidRequest, 'packages' | 'casks' | 'linux_apps' | 'all' | 'places'>;
  origin: Origin;
}

/** Returns what the flags of one run say, and a mirror.toml where they say nothing. `tags` are the flags' platforms. */
export function readSettings(
  flags: RequestFlags,
  tags: readonly string[],
  file: Partial<MirrorSettings> = {},
): ReadSettings {
  const upstream = flags.upstream ?? file.upstream;
  const homebrew = flags.homebrew ?? file.homebrew;
  const homebrewKey = flags.homebrewKey ?? file['homebrew-key'];
  return {
    request: {
      tags: given(tags) ?? file.platforms,
      dependencies: flags.deps ?? file.dependencies,
      dev_dependencies: flags.devDeps ?? file['dev-dependencies'],
      vulnerabilities: flags.withVulns ?? file['with-vulns'],
      full_index: flags.fullIndex ?? file['full-index'],
      unchecked: flags.allowUnchecked ?? file['allow-unchecked'],
      clients: given(flags.clients) ?? file.clients,
      portable_ruby: flags.portableRuby === false ? [] : (given(flags.portableRuby) ?? file['portable-ruby']),
      public_url: flags.publicUrl === false ? null : (flags.publicUrl ?? file['public-url']),
      valid_for: flags.validFor ?? file['valid-for'],
      keep_snapshots: flags.keepSnapshots ?? file['keep-snapshots'],
      on_demand: flags.onDemand ?? file['on-demand'],
      whole: given(flags.whole ?? []) ?? file.whole,
      policy: file.policy && policyOf(file.policy),
    },
    origin: {
      ...(upstream === undefined ? {} : { upstream }),
      ...(homebrew === undefined ? {} : { homebrew }),
      ...(homebrewKey === undefined ? {} : { homebrewKey }),
    },
  };
}

const given = <T>(list: readonly T[]): T[] | undefined => (list.length > 0 ? [...list] : undefined);

/** Returns the rules of a mirror.toml as a mirror records them. */
function policyOf(rules: NonNullable<MirrorSettings['policy']>): Policy {
  const { 'min-age': age, hold, deny, vulnerabilities, licenses, waiver } = rules;
  return {
    ...(age === undefined ? {} : { min_age: age }),
    ...(hold ? { hold } : {}),
    ...(deny ? { deny } : {}),
    ...(vulnerabilities ? { vulnerabilities } : {}),
    ...(licenses ? { licenses } : {}),
    ...(waiver ? { waivers: waiver } : {}),
  };
}
