import { toBase64 } from '../../format/bytes.ts';
import { sha256OfText } from '../../format/digest.ts';
import { STATUS_SCRIPT } from './status-script.ts';
import { STYLE } from './style.ts';
import { VERIFY_SCRIPT } from './verify-script.ts';

const hashOf = (text: string): string => `'sha256-${toBase64(sha256OfText(text))}'`;

/**
 * The Content-Security-Policy of every page here: our own style and scripts by hash, questions to this server, and
 * nothing else. Names from outside are escaped; this is the second wall should that ever fail.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(STATUS_SCRIPT)} ${hashOf(VERIFY_SCRIPT)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');
