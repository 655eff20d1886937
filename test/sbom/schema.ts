import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';

const SCHEMAS = new URL('../../node_modules/@cyclonedx/cyclonedx-library/res/schema/', import.meta.url);

const read = async (name: string): Promise<object> =>
  JSON.parse(await readFile(new URL(`${name}.SNAPSHOT.schema.json`, SCHEMAS), 'utf8'));

const ajv = new Ajv({
  strict: false,
  allErrors: true,
  formats: {
    'iri-reference': (text: string) => URL.canParse(text, 'https://base.example'),
    'idn-email': (text: string) => text.includes('@'),
  },
});
// The main schema names the others by their files.
for (const name of ['spdx', 'jsf-0.82']) {
  ajv.addSchema(await read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
}
addFormats.default(ajv);
const validate = ajv.compile(await read('bom-1.6'));

/** Returns what is wrong with a document by the official schema of CycloneDX 1.6. */
export function schemaErrors(document: unknown): string[] {
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
