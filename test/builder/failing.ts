import { expect } from 'vitest';
import type { ErrorCode } from '../../format/errors.ts';

/** Matches a MirrorError by its code and, where given, other properties of it. */
export const failing = (
  code: ErrorCode,
  more: { message?: unknown; found?: unknown; where?: unknown } = {},
) => expect.objectContaining({ name: 'MirrorError', code, ...more });
