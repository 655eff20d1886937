import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { Session } from './session.ts';
import { linesOf } from './terminal.ts';

export function keygenCommand(session: Session): Command {
  return new Command('keygen')
    .summary('make a key pair to sign mirrors with')
    .description('Make a minisign key pair. Never overwrites a file.')
    .option('--key <file>', 'where to write the secret key; the public key (.pub) goes beside it')
    .option('--encrypt', 'encrypt the secret key with MIRROR_KEY_PASSWORD, or ask for a password')
    .action(async (options: { key?: string; encrypt?: boolean }) => {
      const { defaultKeyPath, generateKey, publicKeyPath } = await import('../keys.ts');
      const { formatPublicKey, publicKeyHex } = await import('../../format/minisign/public-key.ts');
      const { environment, reporter } = session;
      const path = options.key ?? defaultKeyPath(environment);
      const password = options.encrypt ? await newPassword(session, path) : undefined;
      const { publicKey } = await generateKey(path, password);
      reporter.note(`Secret key: ${path} (keep it safe and backed up)`);
      reporter.note(`Public key: ${publicKeyPath(path)}; as hex, for stout: ${publicKeyHex(publicKey)}`);
      session.print(linesOf(formatPublicKey(publicKey)));
    });
}

async function newPassword({ environment, askPassword }: Session, where: string): Promise<string> {
  const given = environment.MIRROR_KEY_PASSWORD;
  if (given) return given;
  if (!askPassword) {
    throw new MirrorError('usage', 'No terminal to ask for a password: set MIRROR_KEY_PASSWORD.');
  }
  const password = await askPassword(`${where} (new)`);
  if (password !== '' && password === (await askPassword(`${where} (again)`))) return password;
  throw new MirrorError('usage', 'The two passwords differ or are empty. No key was made.');
}
