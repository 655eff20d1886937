import * as ruby from '@ruby/prism/src/nodes.js';
import type { Remark } from '../plan/plan.ts';
import { plainPackageName } from './names.ts';
import type { Ruby } from './ruby.ts';
import { itemsOf, type Node, type Scope, type Value, valuesOf } from './ruby-values.ts';

/** The packages that a file names, as the upstream lists them, and its entries that a mirror cannot use. */
export interface NamedPackages {
  formulas: string[];
  casks: string[];
  unused: Remark[];
  /** On entries that are used, but not completely. */
  remarks: Remark[];
  /** The line of each package that is named in a text, by `<kind> <name>`: the first. */
  lines: ReadonlyMap<string, number>;
}

/** Entries for other package managers. */
const OTHER_KINDS = ['mas', 'whalebrew', 'vscode', 'go', 'cargo', 'uv', 'npm', 'krew', 'flatpak', 'winget'];
const MOST_SHOWN = 60;
const REMARKS = 'remarks';

/** The entries of a Brewfile. Each call of a method that is one is taken, or named in `unused` with its line. */
export class Entries {
  readonly #formulas = new Set<string>();
  readonly #casks = new Set<string>();
  readonly #lines = new Map<string, number>();
  readonly #left = { unused: [] as Remark[], remarks: [] as Remark[] };
  readonly #ruby: Ruby;
  readonly #where: string;
  readonly #named = new Set<string>();

  /** `where` names the file. */
  constructor(program: Ruby, where: string) {
    this.#ruby = program;
    this.#where = where;
  }

  get packages(): NamedPackages {
    return { formulas: [...this.#formulas], casks: [...this.#casks], lines: this.#lines, ...this.#left };
  }

  /** Takes an entry of a formula, a cask or a tap, with its options. Returns how many names it may have. */
  takeCall(node: ruby.CallNode, scope: Scope): number {
    const [name, ...rest] = node.arguments_?.arguments_ ?? [];
    const found = name instanceof ruby.SplatNode ? itemsOf(name.expression, scope) : valuesOf(name, scope);
    const values = found.length > 0 ? found : [null];
    for (const value of values) this.take(node.name, value, node);
    const options = rest.filter((option) => isHash(option));
    if (node.name === 'brew' && options.some(hasArguments)) {
      this.#leave(node, 'its options are ignored: a bottle is mirrored as it was built', values, REMARKS);
    }
    if (node.name !== 'tap' && rest.length > options.length) {
      this.#leave(node, 'an entry has one name: the first is taken', [null], REMARKS);
    }
    return values.length;
  }

  /** Takes one name of an entry. */
  take(kind: string, value: Value, node: ruby.CallNode): void {
    if (typeof value !== 'string' || value.trim() === '') {
      this.#leave(node, 'its name is known only when Ruby runs it');
    } else if (kind === 'brew') this.#takeName(this.#formulas, 'formula', value, node);
    else if (kind === 'cask') this.#takeName(this.#casks, 'cask', value, node);
    else if (kind !== 'tap') this.#leave(node, 'not understood', [value]);
    // Homebrew's own taps have what the upstream has.
    else if (!/^homebrew\//i.test(value)) this.#leave(node, 'other taps are not in the upstream', [value]);
  }

  #takeName(names: Set<string>, kind: 'formula' | 'cask', written: string, node: ruby.CallNode): void {
    const name = plainPackageName(kind, written);
    if (name.includes('/')) {
      this.#leave(node, 'it is not in a tap that the upstream has', [written]);
      return;
    }
    names.add(name);
    const key = `${kind} ${name}`;
    if (!this.#lines.has(key)) this.#lines.set(key, this.#ruby.placeOf(node).line);
  }

  /** Names a call of a method that may be an entry of another kind. */
  leaveUnknown(node: ruby.CallNode, scope: Scope): void {
    if (OTHER_KINDS.includes(node.name)) {
      const names = valuesOf(node.arguments_?.arguments_[0], scope);
      this.#leave(node, `${node.name} entries cannot be mirrored`, names);
    } else if (node.block) {
      this.#leave(node, 'not understood; entries in its block are taken', [null], REMARKS);
    } else this.#leave(node, 'not understood');
  }

  /** Names an entry by its line, and by its values where they are known. */
  #leave(
    node: ruby.CallNode,
    reason: string,
    values: readonly Value[] = [null],
    list: typeof REMARKS | 'unused' = 'unused',
  ): void {
    const { line } = this.#ruby.placeOf(node);
    for (const value of values.length > 0 ? values : [null]) {
      const text = typeof value === 'string' ? `${node.name} ${value}` : this.#ruby.textOf(node);
      const name = `${this.#where}:${line}: ${shortened(text)}`;
      // A loop comes here in every round.
      if (!this.#named.has(name + reason)) this.#left[list].push({ name, reason });
      this.#named.add(name + reason);
    }
  }
}

const isHash = (node: Node): node is ruby.HashNode | ruby.KeywordHashNode =>
  node instanceof ruby.HashNode || node instanceof ruby.KeywordHashNode;

/** True for options such as `args: ["HEAD"]`. */
const hasArguments = ({ elements }: ruby.HashNode | ruby.KeywordHashNode): boolean =>
  elements.some((option) => option instanceof ruby.AssocNode && isArguments(option));

const isArguments = ({ key, value }: ruby.AssocNode): boolean =>
  valuesOf(key, new Map())[0] === 'args' && !(value instanceof ruby.ArrayNode && value.elements.length === 0);

const shortened = (text: string): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN - 1)}…` : line;
};
