import type { MirrorRequest } from '../../format/manifest.ts';

/** Where the JSON Schema for editors is. */
const SCHEMA = 'https://raw.githubusercontent.com/neul-labs/stout-mirror/main/docs/mirror.schema.json';

/** What the text of a new mirror.toml begins with. */
export type Chosen = Pick<MirrorRequest, 'packages' | 'tags' | 'clients'>;

/** Returns the text of a new mirror.toml: what was chosen, and the other keys as comments. */
export const mirrorFileText = ({ packages, tags, clients }: Chosen): string => `#:schema ${SCHEMA}
# A mirror of approved packages. Keep this file in git: every command of stout-mirror reads it.
# Each key is explained in docs/mirror-file.md. Relative paths begin at this file.

directory = "./my-mirror"
packages = ${list(packages)}
# casks = ["firefox"]
# linux-apps = ["obsidian"]
# package-files = ["approved.txt"]      # formulas, one a line
# brewfiles = ["Brewfile"]

# Bottles for these machines. The list is in docs/commands.md.
platforms = ${list(tags)}
# stout is always a client; brew needs Homebrew's API, which is mirrored as a whole.
clients = ${list(clients)}
valid-for = "30d"
# keep-snapshots = 5                    # earlier states stay in the folder, for serve and bundle --since
# dev-dependencies = false              # leaves build and test dependencies out
# with-vulns = true                     # known vulnerabilities, for clients that show them
# public-url = "https://files.example.com/mirror"   # only for static hosts

# What may come in, and when.
# [policy]
# min-age = "3d"
# hold = ["node@20"]
# deny = ["some-package"]
# vulnerabilities = "high"
# licenses.allow = ["MIT", "Apache-2.0", "BSD-3-Clause"]
#
# [[policy.waiver]]
# package = "openssl@3"
# rule = "vulnerabilities"
# until = 2026-12-31
# reason = "no fix yet; not reachable from our hosts"

# Where it is published. Keys to the bucket come from the environment.
# [publish]
# bucket = "stout-mirror"
# account = "0123456789abcdef0123456789abcdef"
# url = "https://mirror.example.com"
# keep = 5
`;

/** JSON's texts are TOML's, except for a character that no name has. */
const list = (texts: readonly string[]): string =>
  `[${texts.map((text) => JSON.stringify(text).replaceAll('\u007f', '\\u007f')).join(', ')}]`;
