/** The part of CloudWatch metric math that alarms here use: arithmetic, comparisons, IF, FILL, MAX, MIN, SUM, ABS. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'metric'; readonly id: string }
  | {
      readonly kind: 'operation';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] };

/** Undefined stands for missing data, and for a division by zero. */
export type MetricValues = (id: string) => number | undefined;

/** Throws a SyntaxError that says what is wrong. */
export function parseExpression(text: string): Expression {
  const tokens = tokenize(text);
  const cursor: Cursor = { tokens, at: 0, text };
  const parsed = parseLevel(cursor, 0);
  if (cursor.at < tokens.length) {
    throw unexpected(cursor);
  }
  return parsed;
}

/** Ids of the metrics and other expressions that it refers to. */
export function referencedIds(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case 'number':
      return [];
    case 'metric':
      return [expression.id];
    case 'operation':
      return [...referencedIds(expression.left), ...referencedIds(expression.right)];
    case 'call':
    default:
      return expression.args.flatMap(referencedIds);
  }
}

/** Numbers that the metric `id` is required to reach, as in `IF(requests >= 1000, ...)`. */
export function lowerBounds(expression: Expression, id: string): readonly number[] {
  switch (expression.kind) {
    case 'number':
    case 'metric':
      return [];
    case 'operation':
      return [
        ...boundOf(expression.operator, expression.left, expression.right, id),
        ...lowerBounds(expression.left, id),
        ...lowerBounds(expression.right, id),
      ];
    case 'call':
    default:
      return expression.args.flatMap((argument) => lowerBounds(argument, id));
  }
}

export function evaluateExpression(expression: Expression, values: MetricValues): number | undefined {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'metric':
      return values(expression.id);
    case 'operation':
      return operate(
        expression.operator,
        evaluateExpression(expression.left, values),
        evaluateExpression(expression.right, values),
      );
    case 'call':
    default:
      return call(expression.name, expression.args, values);
  }
}

interface Cursor {
  readonly tokens: readonly string[];
  readonly text: string;
  at: number;
}

const levels: readonly (readonly string[])[] = [
  ['||', 'OR'],
  ['&&', 'AND'],
  ['==', '!=', '<', '>', '<=', '>='],
  ['+', '-'],
  ['*', '/'],
];

const arities: Readonly<Record<string, readonly [number, number]>> = {
  IF: [2, 3],
  FILL: [2, 2],
  MAX: [1, 100],
  MIN: [1, 100],
  SUM: [1, 100],
  ABS: [1, 1],
};

function tokenize(text: string): readonly string[] {
  const form = /\s*([A-Za-z_]\w*|\d+(?:\.\d+)?|\.\d+|&&|\|\||[<>=!]=|[-+*/()<>,[\]])/uy;
  const tokens: string[] = [];
  while (form.lastIndex < text.trimEnd().length) {
    const from = form.lastIndex;
    const token = form.exec(text)?.[1];
    if (token === undefined) {
      throw new SyntaxError(`cannot read metric math at ${JSON.stringify(text.slice(from))}`);
    }
    tokens.push(token);
  }
  return tokens;
}

function unexpected(cursor: Cursor): SyntaxError {
  const token = cursor.tokens[cursor.at] ?? 'the end';
  return new SyntaxError(`unexpected ${token} in metric math ${JSON.stringify(cursor.text)}`);
}

function take(cursor: Cursor, expected: string): void {
  if (cursor.tokens[cursor.at] !== expected) {
    throw unexpected(cursor);
  }
  cursor.at += 1;
}

function parseLevel(cursor: Cursor, level: number): Expression {
  const operators = levels[level];
  if (operators === undefined) {
    return parseUnary(cursor);
  }
  let left = parseLevel(cursor, level + 1);
  for (;;) {
    const operator = cursor.tokens[cursor.at];
    if (operator === undefined || !operators.includes(operator)) {
      return left;
    }
    cursor.at += 1;
    left = { kind: 'operation', operator, left, right: parseLevel(cursor, level + 1) };
  }
}

function parseUnary(cursor: Cursor): Expression {
  if (cursor.tokens[cursor.at] === '-') {
    cursor.at += 1;
    return {
      kind: 'operation',
      operator: '-',
      left: { kind: 'number', value: 0 },
      right: parseUnary(cursor),
    };
  }
  return parsePrimary(cursor);
}

function parsePrimary(cursor: Cursor): Expression {
  const token = cursor.tokens[cursor.at];
  if (token === undefined) {
    throw unexpected(cursor);
  }
  if (token === '(') {
    cursor.at += 1;
    const inner = parseLevel(cursor, 0);
    take(cursor, ')');
    return inner;
  }
  if (/^[\d.]/u.test(token)) {
    cursor.at += 1;
    return { kind: 'number', value: Number(token) };
  }
  if (!/^[A-Za-z_]/u.test(token)) {
    throw unexpected(cursor);
  }
  cursor.at += 1;
  return cursor.tokens[cursor.at] === '(' ? parseCall(cursor, token) : { kind: 'metric', id: token };
}

function parseCall(cursor: Cursor, name: string): Expression {
  const arity = Object.hasOwn(arities, name) ? arities[name] : undefined;
  if (arity === undefined) {
    throw new SyntaxError(
      `metric math function ${name} is not supported here; known are ${Object.keys(arities).join(', ')}`,
    );
  }
  take(cursor, '(');
  const args = parseArguments(cursor, ')');
  if (args.length < arity[0] || args.length > arity[1]) {
    throw new SyntaxError(`${name} takes ${arity[0]} to ${arity[1]} arguments, not ${args.length}`);
  }
  return { kind: 'call', name, args };
}

/** A list in brackets stands for its elements, since only MAX, MIN and SUM take one. */
function parseArguments(cursor: Cursor, close: string): Expression[] {
  const args: Expression[] = [];
  while (cursor.tokens[cursor.at] !== close) {
    if (args.length > 0) {
      take(cursor, ',');
    }
    if (cursor.tokens[cursor.at] === '[') {
      cursor.at += 1;
      args.push(...parseArguments(cursor, ']'));
    } else {
      args.push(parseLevel(cursor, 0));
    }
  }
  cursor.at += 1;
  return args;
}

function boundOf(operator: string, left: Expression, right: Expression, id: string): readonly number[] {
  if (left.kind !== 'metric' || left.id !== id || right.kind !== 'number') {
    return [];
  }
  if (operator === '>') {
    return [right.value + 1];
  }
  return operator === '>=' ? [right.value] : [];
}

function operate(operator: string, left: number | undefined, right: number | undefined): number | undefined {
  if (left === undefined || right === undefined) {
    return undefined;
  }
  const truth = compare(operator, left, right);
  if (truth !== undefined) {
    return truth ? 1 : 0;
  }
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    default:
      return right === 0 ? undefined : left / right;
  }
}

function compare(operator: string, left: number, right: number): boolean | undefined {
  const comparisons: Readonly<Record<string, boolean>> = {
    '==': left === right,
    '!=': left !== right,
    '<': left < right,
    '>': left > right,
    '<=': left <= right,
    '>=': left >= right,
    '&&': left !== 0 && right !== 0,
    AND: left !== 0 && right !== 0,
    '||': left !== 0 || right !== 0,
    OR: left !== 0 || right !== 0,
  };
  return comparisons[operator];
}

function call(name: string, args: readonly Expression[], values: MetricValues): number | undefined {
  const argument = (index: number): number | undefined => {
    const expression = args[index];
    return expression === undefined ? undefined : evaluateExpression(expression, values);
  };
  switch (name) {
    case 'IF': {
      const condition = argument(0);
      return condition === undefined ? undefined : argument(condition === 0 ? 2 : 1);
    }
    case 'FILL':
      return argument(0) ?? argument(1);
    case 'ABS': {
      const value = argument(0);
      return value === undefined ? undefined : Math.abs(value);
    }
    default:
      return reduceKnown(
        name,
        args.map((_, index) => argument(index)),
      );
  }
}

/** Missing members of a list are passed over, as CloudWatch does. */
function reduceKnown(name: string, all: readonly (number | undefined)[]): number | undefined {
  const known = all.filter((value) => value !== undefined);
  if (known.length === 0) {
    return undefined;
  }
  if (name === 'SUM') {
    return known.reduce((total, value) => total + value, 0);
  }
  return name === 'MAX' ? Math.max(...known) : Math.min(...known);
}
