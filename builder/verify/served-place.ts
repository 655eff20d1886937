import { MirrorError } from '../../format/errors.ts';
import {
  isChannelName,
  parseKeptName,
  ROOT,
  ROOT_CHANNEL,
  signaturePath,
  snapshotName,
} from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { parseSignature } from '../../format/minisign/signature.ts';
import { parseRoot, type SignedRoot } from '../../format/snapshot/root.ts';

const CHANNEL = /\/channels\/([^/]+)$/;
const KEPT = /\/at\/([^/]+)$/;

/**
 * Returns the channel that is served at a URL without a slash at its end, by how the URL ends; `undefined` for a kept snapshot, whose
 * version is neither compared with others nor remembered.
 */
export function channelOfUrl(base: string): string | undefined {
  if (keptAt(base) !== undefined) return undefined;
  const [, name = ROOT_CHANNEL] = CHANNEL.exec(base) ?? [];
  return isChannelName(name) ? name : ROOT_CHANNEL;
}

/** Throws `mismatch` if a URL names a kept snapshot, and this is another one. Its signature is not verified. */
export function expectNamed(base: string, { root, signature }: SignedRoot): void {
  const expected = keptAt(base);
  if (expected === undefined) return;
  const { version } = parseRoot(root);
  const signer = keyIdText(parseSignature(signature, signaturePath(ROOT)).keyId);
  const found = parseKeptName(expected)?.signer ? snapshotName({ version, signer }) : String(version);
  if (found === expected) return;
  throw new MirrorError('mismatch', `${base} has another snapshot than it names.`, {
    where: ROOT,
    expected,
    found,
  });
}

/** Returns the kept snapshot that a URL names: `<version>-<key id>`, or a version. */
function keptAt(base: string): string | undefined {
  const [, name = ''] = KEPT.exec(base) ?? [];
  return parseKeptName(name) && name;
}
