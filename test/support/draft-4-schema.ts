type Schema = Readonly<Record<string, unknown>>;

/** The keywords of JSON Schema draft 4 that our schemas use; an unknown keyword is an error, not a pass. */
const rules: Readonly<Record<string, (value: unknown, argument: never, schema: Schema) => boolean>> = {
  $schema: () => true,
  title: () => true,
  type: (value, type: string) => hasType(value, type),
  enum: (value, allowed: readonly unknown[]) => allowed.includes(value),
  minimum: (value, least: number) => typeof value !== 'number' || value >= least,
  maximum: (value, most: number) => typeof value !== 'number' || value <= most,
  minLength: (value, least: number) => typeof value !== 'string' || Array.from(value).length >= least,
  maxLength: (value, most: number) => typeof value !== 'string' || Array.from(value).length <= most,
  pattern: (value, pattern: string) => typeof value !== 'string' || new RegExp(pattern).test(value),
  maxProperties: (value, most: number) => !isObject(value) || Object.keys(value).length <= most,
  required: (value, names: readonly string[]) =>
    !isObject(value) || names.every((name) => Object.hasOwn(value, name)),
  not: (value, schema: Schema) => !acceptsDraft4(schema, value),
  anyOf: (value, schemas: readonly Schema[]) => schemas.some((schema) => acceptsDraft4(schema, value)),
  properties: (value, properties: Readonly<Record<string, Schema>>) =>
    !isObject(value) ||
    Object.entries(properties).every(
      ([name, schema]) => !Object.hasOwn(value, name) || acceptsDraft4(schema, value[name]),
    ),
  patternProperties: (value, patterns: Readonly<Record<string, Schema>>) =>
    !isObject(value) ||
    Object.entries(patterns).every(([pattern, schema]) =>
      Object.keys(value).every(
        (name) => !new RegExp(pattern).test(name) || acceptsDraft4(schema, value[name]),
      ),
    ),
  additionalProperties: (value, allowed: boolean, schema) =>
    allowed || !isObject(value) || Object.keys(value).every((name) => isDeclared(name, schema)),
};

export function acceptsDraft4(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    const rule = rules[keyword];
    if (rule === undefined) throw new Error(`the schema uses "${keyword}", which this test does not know`);
    return rule(value, argument as never, schema);
  });
}

function isDeclared(name: string, schema: Schema): boolean {
  const properties = schema['properties'] ?? {};
  const patterns = Object.keys(schema['patternProperties'] ?? {});
  return Object.hasOwn(properties, name) || patterns.some((pattern) => new RegExp(pattern).test(name));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return isObject(value);
  return typeof value === type;
}
