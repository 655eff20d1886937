import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ProgramNode } from '@ruby/prism/src/nodes.js';
import { parsePrism } from '@ruby/prism/src/parsePrism.js';
import { MirrorError } from '../../format/errors.ts';
import type { Place } from './text.ts';

/** Ruby's own parser, and its WebAssembly: beside the packed program, or else where the library has it. */
const PACKED = new URL('prism.wasm', import.meta.url);
const LIBRARY = '@ruby/prism/src/prism.wasm';

/** WASI's code for a function that does not exist. */
const ENOSYS = 52;

/** The part of WebAssembly's interface that is used here. TypeScript knows it only together with a browser's. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<{ exports: Record<string, unknown> }>;
  Module: { imports(module: object): { name: string }[] };
};

/** A parsed program: its syntax tree, and the text of parts of it. */
export interface Ruby {
  program: ProgramNode;
  placeOf(node: Located): Place;
  textOf(node: Located): string;
}

interface Located {
  location: { startOffset: number; length: number };
}

/** Parses a Ruby program without running it. `where` names it in errors. Throws `bad-input` with line and column. */
export async function parseRuby(text: string, where: string): Promise<Ruby> {
  const bytes = new TextEncoder().encode(text);
  // The text is decoded already, whatever encoding it declares.
  const { value: program, errors } = parsePrism(await newParser(), text, { encoding: false });
  const textOf = ({ location: { startOffset, length } }: Located): string =>
    new TextDecoder().decode(bytes.subarray(startOffset, startOffset + length));
  const lines = lineStarts(bytes);
  const placeOf = ({ location: { startOffset } }: Located): Place => {
    const line = lineAt(lines, startOffset);
    const start = lines[line - 1] ?? 0;
    const before = textOf({ location: { startOffset: start, length: startOffset - start } });
    return { line, column: before.length + 1 };
  };
  // Ruby itself ignores some of the others, such as an encoding that it does not know.
  const error = errors.find(({ level }) => level === 'syntax');
  if (!error) return { program, placeOf, textOf };
  const { line, column } = placeOf(error);
  throw new MirrorError('bad-input', `${where}:${line}:${column}: not valid Ruby: ${error.message}.`, {
    where,
  });
}

let compiled: Promise<object> | undefined;

const compile = async (): Promise<object> =>
  WebAssembly.compile(await readFile(existsSync(PACKED) ? PACKED : new URL(import.meta.resolve(LIBRARY))));

/** Returns a parser for one program. It gets none of the system's functions, because parsing needs none. */
async function newParser(): Promise<Record<string, unknown>> {
  compiled ??= compile();
  const module = await compiled;
  const system = WebAssembly.Module.imports(module).map(({ name }) => [name, () => ENOSYS] as const);
  const imports = { wasi_snapshot_preview1: Object.fromEntries(system) };
  const { exports } = await WebAssembly.instantiate(module, imports);
  (exports._initialize as () => void)();
  return exports;
}

function lineStarts(bytes: Uint8Array): number[] {
  const starts = [0];
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1);
  return starts;
}

/** Returns the number of the line that has an offset, by halving. */
function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}
