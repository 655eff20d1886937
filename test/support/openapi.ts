import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'vitest';
import { OPENAPI } from '../../worker/openapi.ts';
import type { Answer } from './http.ts';

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ $id: 'openapi', ...OPENAPI });

interface Operation {
  responses: Record<string, { content: Record<string, unknown>; headers?: Record<string, unknown> }>;
}

export type DescribedPath = keyof typeof OPENAPI.paths;

/** Holds an answer against what the API's description says of its path, status and media type. */
export function expectDescribed(path: DescribedPath, answer: Answer): void {
  const { get } = OPENAPI.paths[path] as { get: Operation };
  const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
  const described = get.responses[String(answer.status)];
  expect(Object.keys(described?.content ?? {}), `${path} ${answer.status}`).toContain(type);
  for (const name of Object.keys(described?.headers ?? {})) {
    expect(answer.headers[name.toLowerCase()], `${path} ${answer.status} ${name}`).toBeDefined();
  }
  if (!type.endsWith('json')) return;
  const pointer = ['paths', path, 'get', 'responses', answer.status, 'content', type, 'schema'].map(
    pointerPart,
  );
  const validate = ajv.compile({ $ref: `openapi#/${pointer.join('/')}` });
  const valid = validate(JSON.parse(answer.body.toString('utf8')));
  expect(valid ? [] : validate.errors, `${path} ${answer.status}`).toEqual([]);
}

const pointerPart = (part: string | number): string =>
  encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'));
