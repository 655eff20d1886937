import { chmod, glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../scripts/start/free-port.ts';
import { type Ended, runProgram } from '../../support/programs.ts';
import { Cloud } from './cloud.ts';
import { Servers } from './servers.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/** What the shell finds before the programs of this machine. */
const PROGRAMS = {
  // The sample upstream replaces stout-index, where a page names no other.
  'stout-mirror': `case "$1 $*" in
  *--upstream*) ;;
  create\\ * | update\\ * | outdated\\ * | diff\\ *\\ upstream*) set -- "$@" --upstream "$UPSTREAM" ;;
esac
exec "$NODE" "$PROGRAM" "$@"`,
  // Debian's aws does not know AWS_ENDPOINT_URL yet. The programs of the machine come after this folder.
  aws: `PATH=\${PATH#*:} exec aws \${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"`,
  npx: '[ "$1" = stout-mirror ] && shift && exec stout-mirror "$@"; echo "npx $1 is not here" >&2; exit 127',
  npm: '[ "$1 $3" = "run --" ] || exit 127; script=$2; shift 3; exec "$NODE" "$PROJECT/scripts/$script.ts" "$@"',
};

/** What every place has. */
export interface Given {
  /** The file that Node runs for `stout-mirror`. */
  program: string;
  /** Folder of the sample upstream. */
  upstream: string;
}

/** A folder and a home, in which the blocks of one page run one after another, as a reader would run them. */
export class Place {
  readonly #folder: string;
  readonly #environment: Record<string, string>;
  readonly #servers = new Servers();
  readonly #port: number;
  readonly #figuresPort: number;
  #cloud: Cloud | undefined;

  private constructor(folder: string, { program, upstream }: Given, [port, figuresPort]: [number, number]) {
    this.#folder = folder;
    this.#port = port;
    this.#figuresPort = figuresPort;
    this.#environment = {
      ...{ HOME: join(folder, 'home'), NODE: process.execPath, PROJECT, NO_COLOR: '1' },
      ...{ PROGRAM: program, UPSTREAM: upstream },
      ...{ XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '', XDG_STATE_HOME: '', MIRROR_SIGNING_KEY: '' },
      ...{ RCLONE_CONFIG: join(folder, 'rclone.conf'), GIT_CONFIG_GLOBAL: '/dev/null' },
      PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
    };
  }

  /** Makes a place in an empty folder. */
  static async make(folder: string, given: Given): Promise<Place> {
    for (const name of ['bin', 'home', 'here']) await mkdir(join(folder, name), { recursive: true });
    for (const [name, script] of Object.entries(PROGRAMS)) {
      await writeFile(join(folder, 'bin', name), `#!/bin/bash\n${script}\n`);
      await chmod(join(folder, 'bin', name), 0o755);
    }
    return new Place(folder, given, [await freePort(0), await freePort(0)]);
  }

  /** Runs a block to its end. Later blocks see what it exports. */
  async run(script: string): Promise<Ended> {
    const line = await this.#prepare(script);
    return runProgram('bash', ['-c', line], this.#environment);
  }

  /** Starts a block that serves on port 9000, or on a free port in its place; its figures, for which pages take port 9001, on another. */
  async start(script: string): Promise<void> {
    const line = await this.#prepare(script);
    await this.#servers.start('bash', ['-c', line], this.#environment, this.#port);
  }

  async close(): Promise<void> {
    this.#servers.stop();
    await this.#cloud?.close();
  }

  async #prepare(script: string): Promise<string> {
    let text = script
      .replaceAll('--port 9000', `--port ${this.#port}`)
      .replaceAll('127.0.0.1:9001', `127.0.0.1:${this.#figuresPort}`)
      .replaceAll(/(?:127\.0\.0\.1|localhost):9000/g, `127.0.0.1:${this.#port}`);
    if (Cloud.isNamedIn(text)) {
      this.#cloud ??= await Cloud.start(await this.#publicKeys(), this.#servers);
      Object.assign(this.#environment, this.#cloud.environment);
      text = this.#cloud.localize(text);
    }
    const exported = join(this.#folder, 'exported');
    return `cd "${join(this.#folder, 'here')}"; [ ! -e "${exported}" ] || . "${exported}"
trap 'export -p | grep -v " \\(PATH\\|AWS_ENDPOINT_URL\\)=" > "${exported}"' EXIT; set -euo pipefail
${text}`;
  }

  /** The keys that the page has made so far: the Worker trusts those. */
  async #publicKeys(): Promise<string> {
    const files = glob(['home/.config/stout-mirror/mirror.pub', 'here/*.pub'], { cwd: this.#folder });
    const texts = await Array.fromAsync(files, (file) => readFile(join(this.#folder, file), 'utf8'));
    return texts.join('\n');
  }
}
