import * as ruby from '@ruby/prism/src/nodes.js';
import { MirrorError } from '../../format/errors.ts';
import { Entries, type NamedPackages } from './brewfile-entries.ts';
import { parseRuby } from './ruby.ts';
import { assign, bindBlock, bindTarget, methodScope } from './ruby-scope.ts';
import { itemsOf, type Node, type Scope, type Value, valuesOf } from './ruby-values.ts';

/** Statements that install nothing. */
const NO_ENTRIES = [
  'cask_args',
  'brew_args',
  'puts',
  'print',
  'p',
  'pp',
  'warn',
  'raise',
  'abort',
  'exit',
  'require',
];
/** Methods whose block runs for each member of a list. */
const LOOPS = [
  'each',
  'each_entry',
  'each_pair',
  'each_with_index',
  'each_with_object',
  'map',
  'flat_map',
  'collect',
];
const MOST_ROUNDS = 20_000;
/**
 * Errors of a program that is nested more deeply than the stack is high, of JavaScript and of WebAssembly, or with more
 * errors than the parser can list.
 */
const isStackError = ({ name, message }: Error): boolean =>
  name === 'RuntimeError' ||
  (name === 'RangeError' && message.includes('call stack')) ||
  message.startsWith('Invalid serialization');

/**
 * Reads a Brewfile, which is Ruby, without running it. Takes its `brew` and `cask` entries, with names as `brew bundle`
 * understands them: those in every branch of a condition, because one mirror serves many machines, and those of loops over
 * lists that are written out. Lists in `unused` everything else that looks like an entry, with its line after `where`.
 * Throws `bad-input` with line and column for what is not Ruby.
 */
export async function parseBrewfile(text: string, where: string): Promise<NamedPackages> {
  try {
    const program = await parseRuby(text, where);
    const entries = new Entries(program, where);
    new Walk(entries).visit(program.program);
    return entries.packages;
  } catch (cause) {
    if (!(cause instanceof Error && isStackError(cause))) throw cause;
    throw new MirrorError('bad-input', `${where} is nested too deeply, or has too many errors.`, {
      where,
      cause,
    });
  }
}

/** One walk through a Brewfile. */
class Walk {
  readonly #entries: Entries;
  #round = 0;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  visit(program: Node): void {
    this.#visit(program, new Map());
  }

  #visit(node: Node, scope: Scope): void {
    if (node instanceof ruby.CallNode) this.#visitCall(node, scope);
    else if (node instanceof ruby.StatementsNode) {
      for (const statement of node.body) this.#visitStatement(statement, scope);
    } else if (node instanceof ruby.BlockNode || node instanceof ruby.LambdaNode) {
      this.#visitBlock(node, [null], scope);
    } else if (node instanceof ruby.ForNode) {
      for (const item of this.#rounds(itemsOf(node.collection, scope))) {
        bindTarget(node.index, item, scope);
        if (node.statements) this.#visit(node.statements, scope);
      }
    } else if (node instanceof ruby.DefNode) this.#visitAll(node, methodScope(scope));
    else {
      assign(node, scope);
      this.#visitAll(node, scope);
    }
  }

  #visitAll(node: Node, scope: Scope): void {
    // Not compactChildNodes, which forgets the members of lists.
    for (const child of node.childNodes()) if (child) this.#visit(child, scope);
  }

  /** Outside a statement, as in a condition, a call of an unknown method is not an entry. */
  #visitStatement(node: Node, scope: Scope): void {
    if (node instanceof ruby.AndNode || node instanceof ruby.OrNode) {
      this.#visit(node.left, scope);
      this.#visitStatement(node.right, scope);
      return;
    }
    if (node instanceof ruby.CallNode && isUnknown(node)) this.#entries.leaveUnknown(node, scope);
    this.#visit(node, scope);
  }

  #visitCall(node: ruby.CallNode, scope: Scope): void {
    const { receiver, arguments_, block, name } = node;
    if (isEntry(node)) this.#round += this.#entries.takeCall(node, scope) - 1;
    else {
      assign(node, scope);
      for (const child of [receiver, arguments_]) if (child) this.#visit(child, scope);
    }
    const isLoop = receiver && LOOPS.includes(name);
    const members = isLoop ? itemsOf(receiver, scope) : [null];
    const items = name.startsWith('each_with_') ? members.map((item) => [item, null]) : members;
    if (block instanceof ruby.BlockNode) this.#visitBlock(block, items, scope);
    else if (block) this.#takeEach(node, block, items);
  }

  #visitBlock(
    { parameters, body }: ruby.BlockNode | ruby.LambdaNode,
    items: readonly Value[],
    scope: Scope,
  ): void {
    if (body) for (const item of this.#rounds(items)) this.#visit(body, bindBlock(parameters, item, scope));
  }

  /**
   * Loops within loops multiply, and so do the values of a variable; after too many rounds, one with an unknown value names
   * what it meets.
   */
  *#rounds(items: readonly Value[]): Generator<Value> {
    for (const item of items) {
      this.#round += 1;
      yield this.#round > MOST_ROUNDS ? null : item;
      if (this.#round > MOST_ROUNDS) return;
    }
  }

  /** A loop without a block of its own: `%w[jq wget].each(&method(:brew))`. */
  #takeEach(node: ruby.CallNode, block: Node, items: readonly Value[]): void {
    const method = block instanceof ruby.BlockArgumentNode ? block.expression : null;
    if (!(method instanceof ruby.CallNode) || method.name !== 'method') return;
    const [kind] = valuesOf(method.arguments_?.arguments_[0], new Map());
    if (typeof kind === 'string')
      for (const item of this.#rounds(items)) this.#entries.take(kind, item, node);
  }
}

/** True for a call of a method of the Brewfile itself. */
const isBare = ({ receiver }: ruby.CallNode): boolean =>
  receiver === null || receiver instanceof ruby.SelfNode;

const isEntry = (node: ruby.CallNode): boolean => isBare(node) && ['brew', 'cask', 'tap'].includes(node.name);

/** True for a call that may be an entry of a kind that is not known: it has arguments, and is not a question. */
const isUnknown = (node: ruby.CallNode): boolean =>
  isBare(node) &&
  !isEntry(node) &&
  node.arguments_ !== null &&
  !/\?$/.test(node.name) &&
  !NO_ENTRIES.includes(node.name);
