import { isDeepStrictEqual } from 'node:util';

import type { WireObject } from '../ports.ts';
import { isObject } from '../wire-input.ts';

/** Where a document breaks its schema; `location` is a JSON pointer into the document. */
export interface SchemaFault {
  readonly location: string;
  readonly reason: string;
}

interface Context {
  readonly root: unknown;
  readonly location: string;
}

type Check = (rule: unknown, value: unknown, schema: WireObject, context: Context) => readonly SchemaFault[];

/**
 * JSON Schema draft 4, the dialect of AppConfig's validators. `format` and remote references are not checked;
 * keywords of later drafts mean nothing, as in draft 4.
 */
export function validateJson(schema: unknown, value: unknown): readonly SchemaFault[] {
  return checkAt(schema, value, { root: schema, location: '' });
}

function checkAt(schema: unknown, value: unknown, context: Context): readonly SchemaFault[] {
  if (!isObject(schema)) {
    return [];
  }
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    return checkAt(resolve(context.root, reference), value, context);
  }
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    const check = Object.hasOwn(checks, keyword) ? checks[keyword] : undefined;
    return check?.(rule, value, schema, context) ?? [];
  });
}

function resolve(root: unknown, reference: string): unknown {
  let found = root;
  for (const part of reference.replace(/^#\/?/u, '').split('/')) {
    if (part !== '') {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      found = isObject(found) ? found[name] : undefined;
    }
  }
  return found;
}

function when(broken: boolean, context: Context, reason: string): readonly SchemaFault[] {
  return broken ? [{ location: context.location, reason }] : [];
}

function inside(context: Context, step: string | number): Context {
  return { root: context.root, location: `${context.location}/${step}` };
}

function typeMatches(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** Characters, not UTF-16 units. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

function numeric(test: (value: number, bound: number, schema: WireObject) => boolean, name: string): Check {
  return (rule, value, schema, context) =>
    when(
      typeof value === 'number' && typeof rule === 'number' && !test(value, rule, schema),
      context,
      `is not ${name} ${String(rule)}`,
    );
}

function sized(
  size: (value: unknown) => number | undefined,
  test: (size: number, bound: number) => boolean,
): Check {
  return (rule, value, _schema, context) => {
    const actual = size(value);
    return when(
      actual !== undefined && !test(actual, Number(rule)),
      context,
      `has a size of ${actual}, the bound is ${String(rule)}`,
    );
  };
}

const textSize = (value: unknown): number | undefined =>
  typeof value === 'string' ? lengthOf(value) : undefined;
const listSize = (value: unknown): number | undefined => (Array.isArray(value) ? value.length : undefined);
const memberCount = (value: unknown): number | undefined =>
  isObject(value) ? Object.keys(value).length : undefined;
const atLeast = (size: number, bound: number): boolean => size >= bound;
const atMost = (size: number, bound: number): boolean => size <= bound;

function alternatives(rule: unknown, value: unknown, context: Context): number {
  const schemas = Array.isArray(rule) ? (rule as readonly unknown[]) : [];
  return schemas.filter((schema) => checkAt(schema, value, context).length === 0).length;
}

function checkProperties(rule: unknown, value: unknown, context: Context): readonly SchemaFault[] {
  if (!isObject(rule) || !isObject(value)) {
    return [];
  }
  return Object.entries(rule).flatMap(([name, schema]) =>
    Object.hasOwn(value, name) ? checkAt(schema, value[name], inside(context, name)) : [],
  );
}

function checkPatterns(rule: unknown, value: unknown, context: Context): readonly SchemaFault[] {
  if (!isObject(rule) || !isObject(value)) {
    return [];
  }
  return Object.entries(rule).flatMap(([pattern, schema]) =>
    Object.keys(value)
      .filter((name) => new RegExp(pattern).test(name))
      .flatMap((name) => checkAt(schema, value[name], inside(context, name))),
  );
}

function checkAdditional(
  rule: unknown,
  value: unknown,
  schema: WireObject,
  context: Context,
): readonly SchemaFault[] {
  if (!isObject(value)) {
    return [];
  }
  const known = new Set(isObject(schema['properties']) ? Object.keys(schema['properties']) : []);
  const patterns = isObject(schema['patternProperties']) ? Object.keys(schema['patternProperties']) : [];
  const additional = Object.keys(value).filter(
    (name) => !known.has(name) && !patterns.some((pattern) => new RegExp(pattern).test(name)),
  );
  return additional.flatMap((name) =>
    rule === false
      ? when(true, inside(context, name), 'is not a property that the schema allows')
      : checkAt(rule, value[name], inside(context, name)),
  );
}

function checkItems(rule: unknown, value: unknown, context: Context): readonly SchemaFault[] {
  if (!Array.isArray(value)) {
    return [];
  }
  return (value as readonly unknown[]).flatMap((item, index) =>
    checkAt(Array.isArray(rule) ? (rule as readonly unknown[])[index] : rule, item, inside(context, index)),
  );
}

function checkUnique(rule: unknown, value: unknown, context: Context): readonly SchemaFault[] {
  if (rule !== true || !Array.isArray(value)) {
    return [];
  }
  const items = value as readonly unknown[];
  const repeated = items.some((item, index) =>
    items.slice(0, index).some((other) => isDeepStrictEqual(item, other)),
  );
  return when(repeated, context, 'has the same item twice');
}

const checks: Readonly<Record<string, Check>> = {
  type: (rule, value, _schema, context) => {
    const types = Array.isArray(rule) ? (rule as readonly unknown[]) : [rule];
    return when(
      !types.some((type) => typeMatches(type, value)),
      context,
      `is not of type ${types.join(' or ')}`,
    );
  },
  enum: (rule, value, _schema, context) =>
    when(
      Array.isArray(rule) && !rule.some((allowed) => isDeepStrictEqual(allowed, value)),
      context,
      `is not one of ${JSON.stringify(rule)}`,
    ),
  required: (rule, value, _schema, context) =>
    (Array.isArray(rule) ? (rule as readonly unknown[]) : []).flatMap((name) =>
      when(
        isObject(value) && !Object.hasOwn(value, String(name)),
        context,
        `lacks the property ${String(name)}`,
      ),
    ),
  properties: (rule, value, _schema, context) => checkProperties(rule, value, context),
  patternProperties: (rule, value, _schema, context) => checkPatterns(rule, value, context),
  additionalProperties: checkAdditional,
  items: (rule, value, _schema, context) => checkItems(rule, value, context),
  uniqueItems: (rule, value, _schema, context) => checkUnique(rule, value, context),
  pattern: (rule, value, _schema, context) =>
    when(
      typeof value === 'string' && !new RegExp(String(rule)).test(value),
      context,
      `does not match ${String(rule)}`,
    ),
  minimum: numeric(
    (value, bound, schema) => (schema['exclusiveMinimum'] === true ? value > bound : value >= bound),
    'above',
  ),
  maximum: numeric(
    (value, bound, schema) => (schema['exclusiveMaximum'] === true ? value < bound : value <= bound),
    'below',
  ),
  multipleOf: numeric((value, bound) => Number.isInteger(value / bound), 'a multiple of'),
  minLength: sized(textSize, atLeast),
  maxLength: sized(textSize, atMost),
  minItems: sized(listSize, atLeast),
  maxItems: sized(listSize, atMost),
  minProperties: sized(memberCount, atLeast),
  maxProperties: sized(memberCount, atMost),
  allOf: (rule, value, _schema, context) =>
    (Array.isArray(rule) ? (rule as readonly unknown[]) : []).flatMap((schema) =>
      checkAt(schema, value, context),
    ),
  anyOf: (rule, value, _schema, context) =>
    when(alternatives(rule, value, context) === 0, context, 'matches none of the alternatives'),
  oneOf: (rule, value, _schema, context) =>
    when(alternatives(rule, value, context) !== 1, context, 'does not match exactly one of the alternatives'),
  not: (rule, value, _schema, context) =>
    when(checkAt(rule, value, context).length === 0, context, 'matches what the schema excludes'),
};
