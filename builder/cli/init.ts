import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { Chosen } from '../mirror-file/template.ts';
import { shellWord } from '../units.ts';
import { NAME } from '../version.ts';
import { MIRROR_FILE } from './mirror-file.ts';
import type { Session } from './session.ts';

export function initCommand(session: Session): Command {
  return new Command('init')
    .summary('write a file that describes a mirror')
    .description(
      `Write a ${MIRROR_FILE} with comments, for you to edit and to keep in git. On a terminal it asks what the mirror is for; ` +
        'elsewhere it writes an example. A file that exists is never overwritten.',
    )
    .argument('[file]', 'the file to write', MIRROR_FILE)
    .action((file: string) => run(session, file));
}

async function run(session: Session, file: string): Promise<void> {
  const { isPresent } = await import('../directory/write.ts');
  const { mirrorFileText } = await import('../mirror-file/template.ts');
  const { parseMirrorFile } = await import('../mirror-file/parse.ts');
  // Before anybody answers questions for nothing.
  if (await isPresent(file)) throw existing(file);
  const text = mirrorFileText(await chosen(session));
  parseMirrorFile(text, file);
  await writeNew(file, text);
  const config = file === MIRROR_FILE ? '' : ` --config ${shellWord(file)}`;
  session.print(`Wrote ${file}. Edit it, then: ${NAME} create${config}`);
}

async function writeNew(file: string, text: string): Promise<void> {
  const { namingFile } = await import('../directory/disk-error.ts');
  const { writeFile } = await import('node:fs/promises');
  try {
    await namingFile(file, () => writeFile(file, text, { flag: 'wx' }));
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? existing(file) : error;
  }
}

const existing = (file: string): MirrorError =>
  new MirrorError('refused', `${file} exists, and is never overwritten.`, { where: file });

/** Returns what the mirror is for: as a person answers, or an example for this machine. */
async function chosen({ ask }: Session): Promise<Chosen> {
  const { hostTag } = await import('../request/platforms.ts');
  const { parseTag } = await import('../../format/tags.ts');
  const usual = ['jq', hostTag(), 'stout'];
  const questions = QUESTIONS.map((question, index) => `${question} [${usual[index]}]: `);
  const answers = (await ask?.(questions)) ?? [];
  const [packages = [], tags = [], clients = []] = usual.map((word, index) => {
    const words = (answers[index] ?? '').split(/[\s,]+/).filter((one) => one !== '');
    return words.length > 0 ? [...new Set(words)] : [word];
  });
  return { packages, tags: tags.map(parseTag), clients: clients.map(clientOf) };
}

const QUESTIONS = [
  'Formulas to mirror',
  'Platforms, such as arm64_sonoma x86_64_linux',
  'Clients: stout (always), and brew',
];

function clientOf(text: string): Chosen['clients'][number] {
  if (text === 'stout' || text === 'brew') return text;
  throw new MirrorError('usage', `${JSON.stringify(text)} is not a client.`, {
    expected: 'stout or brew',
    found: text,
  });
}
