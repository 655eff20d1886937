import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { OPENAPI } from '../../worker/openapi.ts';

test('the description of the API is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(OPENAPI))).toMatchObject({ valid: true });
  expect(validator.version).toBe('3.1');
});
