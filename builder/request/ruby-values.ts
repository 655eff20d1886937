import * as ruby from '@ruby/prism/src/nodes.js';

/** A value that is written in a program: text, a list, or (`null`) one that only running it could tell. A hash is a list of pairs. */
export type Value = string | null | readonly Value[];

/** The values that a variable may have, by its name. Scopes within one another share what they do not define. */
export type Scope = Map<string, Value[]>;

export type Node = NonNullable<ReturnType<ruby.ProgramNode['childNodes']>[number]>;

/** More members, combinations or characters than any list of packages has; variables can double themselves. */
const MOST = 10_000;
const MOST_TEXT = 100_000;

/** Methods that leave a list, or a text, as it is for our purpose. */
const SAME = [
  'freeze',
  'dup',
  'to_a',
  'to_s',
  'to_sym',
  'itself',
  'sort',
  'uniq',
  'compact',
  'reverse',
  'shuffle',
];

/**
 * Returns the values that an expression may have: of a condition, those of all its branches. Only what is written as text or
 * as a list, or was assigned as such, is known.
 */
export const valuesOf = (node: Node | null | undefined, scope: Scope): Value[] =>
  fitting(evaluate(node, scope));

const fitting = (values: Value[]): Value[] => (values.length > MOST ? [null] : values);

/** Returns what `combine` makes of every two values; unknown when there are too many. */
const combined = (
  left: readonly Value[],
  right: readonly Value[],
  combine: (one: Value, other: Value) => Value,
): Value[] =>
  left.length * right.length > MOST
    ? [null]
    : left.flatMap((one) => right.map((other) => combine(one, other)));

/** Returns the members of the lists that an expression may be. */
export const itemsOf = (node: Node | null, scope: Scope): Value[] => valuesOf(node, scope).flatMap(itemsIn);

const itemsIn = (value: Value): Value[] => (Array.isArray(value) ? value : [null]);

function evaluate(node: Node | null | undefined, scope: Scope): Value[] {
  if (node instanceof ruby.StringNode || node instanceof ruby.SymbolNode) return [node.unescaped.value];
  if (node instanceof ruby.NilNode) return [];
  if (node instanceof ruby.InterpolatedStringNode) {
    const parts = node.parts.map((part) => valuesOf(part, scope));
    return parts.reduce<Value[]>((texts, tails) => combined(texts, tails, bothTexts), ['']);
  }
  if (node instanceof ruby.ArrayNode)
    return [fitting(node.elements.flatMap((item) => elementsOf(item, scope)))];
  if (node instanceof ruby.HashNode) return [fitting(node.elements.flatMap((pair) => pairsOf(pair, scope)))];
  if (node instanceof ruby.CallNode) return resultsOf(node, scope);
  if (node instanceof ruby.IfNode)
    return [node.statements, node.subsequent].flatMap((one) => branch(one, scope));
  if (node instanceof ruby.UnlessNode) {
    return [node.statements, node.elseClause].flatMap((one) => branch(one, scope));
  }
  if (node instanceof ruby.OrNode) return [node.left, node.right].flatMap((one) => valuesOf(one, scope));
  if (isBlock(node)) return branch(node, scope);
  const name = variableName(node);
  return (name !== undefined && scope.get(name)) || [null];
}

type Block = ruby.ParenthesesNode | ruby.StatementsNode | ruby.ElseNode | ruby.EmbeddedStatementsNode;

const isBlock = (node: Node | null | undefined): node is Block =>
  [ruby.ParenthesesNode, ruby.StatementsNode, ruby.ElseNode, ruby.EmbeddedStatementsNode].some(
    (kind) => node instanceof kind,
  );

/** Returns the values of a branch, which are those of its last statement; none for a branch that is not there. */
function branch(node: Node | null, scope: Scope): Value[] {
  if (node === null) return [];
  if (!isBlock(node)) return valuesOf(node, scope);
  if (node instanceof ruby.StatementsNode) return valuesOf(node.body.at(-1), scope);
  return branch(node instanceof ruby.ParenthesesNode ? node.body : node.statements, scope);
}

/** Returns the name of a variable or constant that an expression reads. */
export function variableName(node: Node | null | undefined): string | undefined {
  if (node instanceof ruby.ItLocalVariableReadNode) return 'it';
  const isRead =
    node instanceof ruby.LocalVariableReadNode ||
    node instanceof ruby.ConstantReadNode ||
    node instanceof ruby.InstanceVariableReadNode ||
    node instanceof ruby.GlobalVariableReadNode;
  return isRead ? node.name : undefined;
}

const bothTexts = (text: Value, tail: Value): Value =>
  typeof text === 'string' && typeof tail === 'string' && text.length + tail.length <= MOST_TEXT
    ? text + tail
    : null;

const sum = (one: Value, other: Value): Value =>
  Array.isArray(one) || Array.isArray(other)
    ? fitting([...itemsIn(one), ...itemsIn(other)])
    : bothTexts(one, other);

const elementsOf = (node: Node, scope: Scope): Value[] =>
  node instanceof ruby.SplatNode ? itemsOf(node.expression, scope) : valuesOf(node, scope);

function pairsOf(node: Node, scope: Scope): Value[] {
  if (!(node instanceof ruby.AssocNode)) return [null];
  return combined(valuesOf(node.key, scope), valuesOf(node.value, scope), (key, value) => [key, value]);
}

/** Returns the results of the few methods that lists of packages are made with. */
function resultsOf({ receiver, name, arguments_, block }: ruby.CallNode, scope: Scope): Value[] {
  const given = arguments_?.arguments_ ?? [];
  if (receiver === null || block !== null) return [null];
  const values = (): Value[] => valuesOf(receiver, scope);
  const parts = (pick: (value: Value) => Value[]): Value[] => values().map((value) => pick(value));
  if (given.length === 0) {
    if (SAME.includes(name)) return values();
    if (name === 'strip' || name === 'chomp')
      return values().map((value) => (typeof value === 'string' ? value.trim() : null));
    if (name === 'keys') return parts((value) => itemsIn(value).map((pair) => itemsIn(pair)[0] ?? null));
    if (name === 'values') return parts((value) => itemsIn(value).map((pair) => itemsIn(pair)[1] ?? null));
    if (name === 'flatten') return parts((value) => flattened(value));
    if (name === 'lines' || name === 'split')
      return parts((value) => words(value, name === 'lines' ? '\n' : /\s+/));
  }
  const [other, ...more] = given;
  if (!other || more.length > 0) return [null];
  if (name === '+' || name === '|') return combined(values(), valuesOf(other, scope), sum);
  const [key] = valuesOf(other, scope);
  if (typeof key !== 'string') return [null];
  if (name === '[]') return values().map((value) => memberOf(value, key));
  return name === 'split' ? parts((value) => words(value, key === ' ' ? /\s+/ : key)) : [null];
}

function flattened(list: Value): Value[] {
  const flat: Value[] = [];
  const rest = itemsIn(list).toReversed();
  for (let steps = 0; rest.length > 0; steps += 1) {
    if (steps + rest.length > MOST) return [null];
    const item = rest.pop() ?? null;
    if (Array.isArray(item)) rest.push(...item.toReversed());
    else flat.push(item);
  }
  return flat;
}

/** Returns what a hash has for a key. */
const memberOf = (hash: Value, key: string): Value =>
  itemsIn(hash)
    .map(itemsIn)
    .find(([name]) => name === key)?.[1] ?? null;

const words = (value: Value, separator: string | RegExp): Value[] =>
  typeof value === 'string' ? value.split(separator).filter((word) => word !== '') : [null];
