import { addCopyButtons } from './copy.ts';

// The script of pages that have nothing but text to copy.

addCopyButtons();
