#!/usr/bin/env node
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import { mirrorFileSchema } from '../builder/mirror-file/schema.ts';

/** What a JSON Schema cannot say. */
const CHECKS = ['check', 'partial_check', 'raw_transform'];

/** Returns the JSON Schema of mirror.toml for editors. */
export function mirrorSchemaText(): string {
  const schema = toJsonSchema(mirrorFileSchema, {
    ...{ target: 'draft-07', ignoreActions: CHECKS },
  });
  const titled = { ...schema, title: 'mirror.toml', description: 'A mirror of stout-mirror.' };
  return `${JSON.stringify(titled, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(new URL('../docs/mirror.schema.json', import.meta.url), mirrorSchemaText());
}
