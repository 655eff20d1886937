import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect } from 'vitest';
import { parseMirrorFile } from '../../builder/mirror-file/parse.ts';
import { mirrorFileText } from '../../builder/mirror-file/template.ts';
import { parseToml } from '../../builder/request/toml.ts';
import { hostile } from './mutation.ts';
import { anyText, type Effort, holds, parsed } from './support.ts';

const TEMPLATE = mirrorFileText({ packages: ['jq'], tags: ['sonoma'], clients: ['stout', 'brew'] });
const FILES = [
  TEMPLATE.replace(/^# ?(?=[a-z-]+(?:\.[a-z]+)? = |\[)/gm, ''),
  'directory = "m"\na = [[[[{ b.c = 1 }]]]]',
] as const;

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    ...[fc.string(), fc.boolean(), fc.integer()],
    fc.array(tie('value'), { maxLength: 3 }),
    tie('table'),
  ),
  table: fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
}));

/** As JSON, which has no prototypes. */
const plain = (read: unknown): unknown => JSON.parse(JSON.stringify(read));

export function tomlProperties(effort: Effort): void {
  describe('TOML', () => {
    holds(
      'a mirror.toml is read, or refused with file, line and column',
      effort,
      fc.oneof(hostile(FILES), anyText),
      async (text) => {
        await parsed(() => parseMirrorFile(text, 'f'));
        try {
          parseMirrorFile(text, 'f');
        } catch (error) {
          const lines = (error as Error).message.split('\n  ');
          for (const line of lines)
            expect(line).toMatch(/^(?:f:\d+:\d+: |f is nested deeper|… and \d+ more)/);
        }
      },
    );

    holds(
      'what another writer writes is read as another parser reads it',
      effort,
      fc.dictionary(fc.string(), value, { maxKeys: 6 }),
      (document) => {
        const text = stringify(document);
        expect(plain(parseToml(text, 'f').value)).toEqual(plain(parse(text)));
      },
    );
  });
}
