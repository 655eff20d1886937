import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { Session } from './session.ts';

export function keygenCommand(session: Session): Command {
  return new Command('keygen')
    .summary('make a key pair to sign mirrors with')
    .description('Make a minisign key pair. Never overwrites one.')
    .option('--key <file>', 'where to put the secret key; the public key (.pub) goes beside it')
    .option('--encrypt', 'lock the secret key with a password (MIRROR_KEY_PASSWORD, or asked for)')
    .action(async (options: { key?: string; encrypt?: boolean }) => {
      const { defaultKeyFiles, generateKey, keyFilesAt } = await import('../keys.ts');
      const { formatPublicKey, publicKeyHex } = await import('../../format/minisign/public-key.ts');
      const files =
        options.key === undefined ? defaultKeyFiles(session.environment) : keyFilesAt(options.key);
      const key = await generateKey(
        files,
        options.encrypt ? await newPassword(session, files.secretPath) : undefined,
      );
      session.reporter.note(`Secret key: ${files.secretPath} (keep it safe and backed up)`);
      session.reporter.note(
        `Public key: ${files.publicPath}; as hex, for stout: ${publicKeyHex(key.publicKey)}`,
      );
      session.print(formatPublicKey(key.publicKey));
    });
}

async function newPassword({ environment, askPassword }: Session, where: string): Promise<string> {
  const given = environment.MIRROR_KEY_PASSWORD;
  if (given) return given;
  if (!askPassword)
    throw new MirrorError('usage', 'There is no terminal to ask for a password: set MIRROR_KEY_PASSWORD.');
  const password = await askPassword(`${where} (new)`);
  if (password !== '' && password === (await askPassword(`${where} (again)`))) return password;
  throw new MirrorError('usage', 'The two passwords differ or are empty: no key was made.');
}
