import { joinPath, plainName } from './paths.ts';

/** The Ruby that brew runs on, a formula of homebrew-core. A brew asks for the version and SHA-256 that are built into it. */
export const PORTABLE_RUBY = 'portable-ruby';

/** Identity of a bottle, as Homebrew names its file. */
export interface BottleName {
  name: string;
  version: string;
  revision: number;
  /** Platform tag, for example `arm64_sonoma` or `all`. */
  tag: string;
  rebuild: number;
}

/** Returns `bottles/<name>-<version>[_<revision>].<tag>.bottle[.<rebuild>].tar.gz`. Throws `bad-input`. */
export function bottlePath({ name, version, revision, tag, rebuild }: BottleName): string {
  const stem = `${plainName(name)}-${plainName(packageVersion(version, revision))}.${plainName(tag)}`;
  return joinPath('bottles', `${stem}.bottle.${rebuild > 0 ? `${rebuild}.` : ''}tar.gz`);
}

/** Returns the version in the path of a formula's bottle, as {@link packageVersion}; `undefined` for any other path. */
export const bottleVersion = (path: string, name: string): string | undefined =>
  /^(.+)\.[^.]+\.bottle(?:\.\d+)?\.tar\.gz$/.exec(path.slice(`bottles/${name}-`.length))?.[1];

/** Returns the version with its revision, as Homebrew prints it: `3.11.13_1`. */
export const packageVersion = (version: string, revision: number): string =>
  revision > 0 ? `${version}_${revision}` : version;

/** Returns the OCI image name of a formula: `openssl@3` is `openssl/3`, `gtk+3` is `gtkx3`. */
export const imageName = (name: string): string => name.replaceAll('@', '/').replaceAll('+', 'x');

/** Path of a formula's OCI image index for brew; `reference` is `<version>[-<rebuild>]`. Throws `bad-input`. */
export const bottleManifestPath = (name: string, reference: string): string =>
  joinPath(...imageFolder(name), 'manifests', reference);

/** Path of the manifest of one platform's image. Throws `bad-input`. */
export const imageManifestPath = (name: string, sha256: string): string =>
  joinPath(...imageFolder(name), 'manifests', `sha256-${sha256}`);

/** Path of the configuration of one platform's image. Throws `bad-input`. */
export const imageConfigPath = (name: string, sha256: string): string =>
  joinPath(...imageFolder(name), 'blobs', `sha256-${sha256}`);

const imageFolder = (name: string): string[] => ['bottles', ...imageName(plainName(name)).split('/')];

/** True for a document that describes a bottle to OCI clients: image index, image manifest or configuration. */
export const isImageDocument = (path: string): boolean => /^bottles\/.+\/(?:manifests|blobs)\//.test(path);
