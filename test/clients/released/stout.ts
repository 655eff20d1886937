import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { type Ended, runProgram } from '../../support/programs.ts';

/** Where stout installs if a Cellar is there, and otherwise in the user's home. */
const PREFIXES = ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'];

/** How stout spells the platform of this machine. */
export const PLATFORM = process.arch === 'arm64' ? 'arm64_linux' : 'x86_64_linux';

/** What a user of stout has in the environment. */
export interface StoutEnvironment {
  /** Proxy for https: stout must reach no host that is not in the test. */
  proxy: string;
  /** File with the certificates that are trusted. */
  authority?: string | undefined;
}

/** The released stout, with a home of its own, in which it also installs. */
export class ReleasedStout {
  readonly home: string;
  readonly #environment: Record<string, string>;

  private constructor(home: string, { proxy, authority }: StoutEnvironment) {
    this.home = home;
    this.#environment = {
      ...{ HOME: home, XDG_DATA_HOME: join(home, 'data'), TMPDIR: home, NO_COLOR: '1' },
      ...{ HTTPS_PROXY: proxy, NO_PROXY: '127.0.0.1' },
      ...(authority === undefined ? {} : { SSL_CERT_FILE: authority }),
    };
  }

  /** Returns a stout in an empty home below `folder`, but for the configuration, a whole config.toml. */
  static async of(folder: string, config: string, environment: StoutEnvironment): Promise<ReleasedStout> {
    const stout = new ReleasedStout(await mkdtemp(join(folder, 'home-')), environment);
    await stout.configure(config);
    return stout;
  }

  async configure(config: string): Promise<void> {
    await mkdir(this.pathOf('.stout'), { recursive: true });
    await writeFile(this.pathOf('.stout/config.toml'), config);
  }

  /** Runs a command in the home; both outputs together, because stout divides them by taste. */
  async run(...args: string[]): Promise<{ status: number; output: string }> {
    const { status, stdout, stderr } = await this.#inOwnPrefix(args);
    return { status, output: stdout + stderr };
  }

  /** Runs a command that must succeed; returns its output. */
  async done(...args: string[]): Promise<string> {
    const { status, output } = await this.run(...args);
    if (status !== 0) throw new Error(`stout ${args.join(' ')} ended with ${status}:\n${output}`);
    return output;
  }

  pathOf = (path: string): string => join(this.home, path);

  /** Returns what an installed program prints. */
  async runInstalled(name: string): Promise<string> {
    return (await runProgram(this.pathOf(`.local/stout/bin/${name}`), [])).stdout;
  }

  /** Returns the names of the packages that are installed, sorted. */
  async installed(): Promise<string[]> {
    const state = this.pathOf('.stout/state/installed.toml');
    if (!existsSync(state)) return [];
    const { packages = {} } = parse(await readFile(state, 'utf8'));
    return Object.keys(packages).sort();
  }

  /** Hides a Homebrew that this machine has, because stout would install into it. Only root can do that. */
  #inOwnPrefix(args: string[]): Promise<Ended> {
    const taken = PREFIXES.filter((prefix) => existsSync(join(prefix, 'Cellar')));
    if (taken.length === 0) return runProgram('stout', args, this.#environment, this.home);
    const script = `${taken.map((prefix) => `mount -t tmpfs none ${prefix} && `).join('')}exec "$0" "$@"`;
    const hidden = ['--mount', 'sh', '-c', script, 'stout', ...args];
    return runProgram('unshare', hidden, this.#environment, this.home);
  }
}
