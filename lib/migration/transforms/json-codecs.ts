import { canonicalJson, parseExactJson } from '../../kernel/canonical-json.ts';
import { plainNumber } from './scalar-codecs.ts';
import { rejected, shaped, unexpectedShape, type ColumnCodec, type Rejection, type Shape } from './shape.ts';

/** Deeper than any configuration, and well below what would overflow the stack of a reader. */
const maxDepth = 200;

/** A column with JSON text, as the value itself. `whenNull` is what the hierarchical system assumes. */
export function jsonCodec(whenNull: unknown = null): ColumnCodec {
  return jsonCodecOf((value) => value, whenNull);
}

/** JSON text whose numbers are single precision, such as a map of features. */
export function singleJsonCodec(whenNull: unknown = null): ColumnCodec {
  return jsonCodecOf(Math.fround, whenNull);
}

/** JSON text that must be an array of finite single precision numbers; null counts as the empty list. */
export const singleListCodec: ColumnCodec = {
  toShape(value) {
    if (value === null) return shaped([]);
    const parsed = parseText(value);
    if (parsed.kind === 'rejected') return parsed;
    const { value: list } = parsed;
    if (!Array.isArray(list)) return rejected('InvalidNumberList', 'the JSON text is no array');
    const numbers: number[] = [];
    for (const [at, element] of list.entries()) {
      const number = singleOf(element);
      if (number === null) {
        return rejected('InvalidNumberList', `element ${at} is no finite single precision number`);
      }
      numbers.push(number);
    }
    return shaped(numbers);
  },
  fromShape(shape) {
    if (Array.isArray(shape)) return canonicalJson(shape);
    throw unexpectedShape('an array of numbers', shape);
  },
};

/**
 * A text that some writers store as a JSON string with its quotes (`"Task"`) and others plainly.
 * It comes back with quotes.
 */
export const quotedTextCodec: ColumnCodec = {
  toShape(value) {
    if (typeof value !== 'string') return shaped(null);
    const inner = unquote(value);
    return isCleanText(inner) ? shaped(inner) : damagedText();
  },
  fromShape(shape) {
    if (shape === null) return null;
    if (typeof shape === 'string') return JSON.stringify(shape);
    throw unexpectedShape('a text', shape);
  },
};

/** Without lone surrogates and U+0000, which not every store and reader can carry. */
export function isCleanText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

export function damagedText(): Rejection {
  return rejected('DamagedText', 'a text holds invalid UTF-8, a lone surrogate or U+0000');
}

function jsonCodecOf(round: (value: number) => number, whenNull: unknown): ColumnCodec {
  return {
    toShape(value) {
      if (value === null) return shaped(whenNull);
      const parsed = parseText(value);
      return parsed.kind === 'rejected' ? parsed : plainJson(parsed.value, round, 0);
    },
    fromShape: (shape) => (shape === null ? null : canonicalJson(shape)),
  };
}

function parseText(value: unknown): Shape {
  if (typeof value !== 'string') return rejected('WrongStorageClass', 'JSON is not stored as text');
  try {
    return shaped(parseExactJson(value));
  } catch (error) {
    return rejected('InvalidJson', error instanceof Error ? error.message : String(error));
  }
}

/** The same value without what canonical JSON refuses. Whatever that changes is in the residual, as the text it was. */
function plainJson(value: unknown, round: (value: number) => number, depth: number): Shape {
  if (depth > maxDepth) return rejected('InvalidJson', `nested deeper than ${maxDepth} levels`);
  if (typeof value === 'number') {
    const number = plainNumber(round(value));
    return number === null
      ? rejected('InvalidNumber', `${String(value)} is beyond what a number can hold`)
      : shaped(number);
  }
  if (typeof value === 'string') return isCleanText(value) ? shaped(value) : damagedText();
  if (typeof value !== 'object' || value === null) return shaped(value);
  return Array.isArray(value) ? plainArray(value, round, depth) : plainObject(value, round, depth);
}

function plainArray(list: readonly unknown[], round: (value: number) => number, depth: number): Shape {
  const elements: unknown[] = [];
  for (const element of list) {
    const plain = plainJson(element, round, depth + 1);
    if (plain.kind === 'rejected') return plain;
    elements.push(plain.value);
  }
  return shaped(elements);
}

function plainObject(object: object, round: (value: number) => number, depth: number): Shape {
  const members: [string, unknown][] = [];
  for (const [name, member] of Object.entries(object)) {
    if (!isCleanText(name)) return damagedText();
    const plain = plainJson(member, round, depth + 1);
    if (plain.kind === 'rejected') return plain;
    members.push([name, plain.value]);
  }
  return shaped(Object.fromEntries(members));
}

function singleOf(element: unknown): number | null {
  return typeof element === 'number' || typeof element === 'bigint'
    ? plainNumber(Math.fround(Number(element)))
    : null;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const inner: unknown = JSON.parse(text);
    return typeof inner === 'string' ? inner : text;
  } catch {
    return text;
  }
}
