import { fileURLToPath } from 'node:url';
import { buildPages } from './pack/pages.ts';

// `npm run build:pages`: after npm ci, and before each deployment.
await buildPages(fileURLToPath(new URL('..', import.meta.url)));
