import { fileURLToPath } from 'node:url';
import { generate } from './pack/generate.ts';

// `npm run generate`: after npm ci, and before each deployment.
await generate(fileURLToPath(new URL('..', import.meta.url)));
