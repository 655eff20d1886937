import { COPY_SCRIPT, FOLDER_SCRIPT, FRONT_SCRIPT, STYLE, VERIFY_SCRIPT } from './built.ts';

const SCRIPTS = [FRONT_SCRIPT, FOLDER_SCRIPT, VERIFY_SCRIPT, COPY_SCRIPT];

/**
 * The Content-Security-Policy of every page: our own style and scripts by hash, requests to this server, and nothing else.
 * Names from outside are escaped; this is the second line of defence.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src '${STYLE.hash}'`,
  `script-src ${SCRIPTS.map(({ hash }) => `'${hash}'`).join(' ')}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');
