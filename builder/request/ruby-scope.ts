import * as ruby from '@ruby/prism/src/nodes.js';
import { itemsOf, type Node, type Scope, type Value, valuesOf, variableName } from './ruby-values.ts';

const ADDING = ['<<', 'push', 'append', 'concat', 'unshift', 'prepend'];
/** More values than a variable of any Brewfile has: every use of the variable goes through all of them. */
const MOST_KNOWN = 1000;
const CHANGING = /^(?:delete|delete_if|keep_if|clear|insert|replace|shift|pop|fill|\[\]=|.+!)$/;

/**
 * Records what an assignment, or a method that adds to a list, makes of a variable. It keeps what it had before, because the
 * assignment may be under a condition. After a change that cannot be followed, nothing is known of it.
 */
export function assign(node: Node, scope: Scope): void {
  if (isWrite(node)) remember(node.name, valuesOf(node.value, scope), scope);
  else if (isOperatorWrite(node)) {
    const added = node.binaryOperator === '+' ? valuesOf(node.value, scope) : [null];
    if (added.every(Array.isArray)) remember(node.name, added, scope);
    else forget(node.name, scope);
  } else if (node instanceof ruby.CallNode) change(node, scope);
}

function change({ receiver, name, arguments_ }: ruby.CallNode, scope: Scope): void {
  const variable = variableName(receiver);
  if (variable === undefined) return;
  if (ADDING.includes(name)) {
    const added = (arguments_?.arguments_ ?? []).flatMap((one) =>
      name === 'concat' ? itemsOf(one, scope) : valuesOf(one, scope),
    );
    remember(variable, [added], scope);
  } else if (CHANGING.test(name)) forget(variable, scope);
}

/** Values are added in place, so that scopes which share the variable see them. Too many are as good as none. */
function remember(name: string, values: readonly Value[], scope: Scope): void {
  const known = scope.get(name) ?? [];
  const all = new Set([...known, ...values]);
  if (all.size > MOST_KNOWN) known.splice(0, Infinity, null);
  else if (all.size > known.length) known.splice(0, Infinity, ...all);
  scope.set(name, known);
}

const forget = (name: string, scope: Scope): unknown => scope.get(name)?.splice(0, Infinity, null);

/** Returns the scope of a block that runs for a value. */
export function bindBlock(parameters: Node | null, item: Value, scope: Scope): Scope {
  const inner: Scope = new Map(scope);
  if (parameters instanceof ruby.BlockParametersNode) {
    const { requireds = [], optionals = [] } = parameters.parameters ?? {};
    bindList([...requireds, ...optionals], item, inner);
  } else if (parameters instanceof ruby.NumberedParametersNode) {
    const names = Array.from({ length: parameters.maximum }, (_, index) => `_${index + 1}`);
    for (const [index, name] of names.entries()) inner.set(name, [partOf(item, index, names.length)]);
  } else inner.set('it', [item]);
  return inner;
}

/** Binds the variables that take a value: one, or several that share its members. */
export function bindTarget(target: Node, item: Value, scope: Scope): void {
  if (target instanceof ruby.MultiTargetNode) bindList(target.lefts, item, scope);
  else if ('name' in target && typeof target.name === 'string') scope.set(target.name, [item]);
}

function bindList(targets: readonly Node[], item: Value, scope: Scope): void {
  for (const [index, target] of targets.entries()) {
    bindTarget(target, partOf(item, index, targets.length), scope);
  }
}

/** Of a value that is not a list, only the first variable gets anything. */
function partOf(item: Value, index: number, count: number): Value {
  if (Array.isArray(item) && count > 1) return item[index] ?? null;
  return index === 0 ? item : null;
}

/** Returns the scope of a method, which sees constants and the variables of the program, but no local ones. */
export const methodScope = (scope: Scope): Scope =>
  new Map([...scope].filter(([name]) => /^[A-Z@$]/.test(name)));

type Write =
  | ruby.LocalVariableWriteNode
  | ruby.LocalVariableOrWriteNode
  | ruby.ConstantWriteNode
  | ruby.ConstantOrWriteNode
  | ruby.InstanceVariableWriteNode
  | ruby.InstanceVariableOrWriteNode
  | ruby.GlobalVariableWriteNode;

const isWrite = (node: Node): node is Write =>
  [
    ruby.LocalVariableWriteNode,
    ruby.LocalVariableOrWriteNode,
    ruby.ConstantWriteNode,
    ruby.ConstantOrWriteNode,
    ruby.InstanceVariableWriteNode,
    ruby.InstanceVariableOrWriteNode,
    ruby.GlobalVariableWriteNode,
  ].some((kind) => node instanceof kind);

const isOperatorWrite = (
  node: Node,
): node is
  | ruby.LocalVariableOperatorWriteNode
  | ruby.ConstantOperatorWriteNode
  | ruby.InstanceVariableOperatorWriteNode =>
  node instanceof ruby.LocalVariableOperatorWriteNode ||
  node instanceof ruby.ConstantOperatorWriteNode ||
  node instanceof ruby.InstanceVariableOperatorWriteNode;
