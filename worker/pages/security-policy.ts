import { STATUS_SCRIPT, STYLE, VERIFY_SCRIPT } from './built.ts';

/**
 * The Content-Security-Policy of every page: our own style and scripts by hash, requests to this server, and nothing else.
 * Names from outside are escaped; this is the second line of defence.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src '${STYLE.hash}'`,
  `script-src '${STATUS_SCRIPT.hash}' '${VERIFY_SCRIPT.hash}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');
