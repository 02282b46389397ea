import * as z from 'zod/mini';

import { isCategoryName, longestCategoryName } from './category.ts';

/** The form of a migration file, without the functions in it; `schemas/migration.schema.json` is made from it. */
export const migrationApiVersion = 'hal9-migrate/v1';

/** Key columns that a log entry has room for. */
const mostKeyColumns = 4;

const noun = z
  .string()
  .check(z.regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'lower-case words joined by hyphens'), z.maxLength(40));
const title = z.string().check(z.minLength(1), z.maxLength(200));
const databaseName = z.string().check(z.minLength(1), z.maxLength(128));
const order = z.int().check(z.gte(1), z.lte(10_000));

const column = z.strictObject({
  name: databaseName,
  storage: z.enum(['text', 'integer', 'real', 'blob', 'any']),
  nullable: z.optional(z.boolean()),
  mayBeAbsent: z.optional(z.boolean()),
});

/** Of a table only what is data: `transform` and the checks of validators are functions. */
export const tableSchema = z.strictObject({
  recordType: noun,
  table: databaseName,
  where: z.optional(z.string().check(z.minLength(1), z.maxLength(4_000))),
  key: z.array(databaseName).check(z.minLength(1), z.maxLength(mostKeyColumns)),
  order,
  columns: z.array(column).check(z.minLength(1)),
  validators: z.optional(z.array(z.strictObject({ name: noun }))),
  mapping: z.optional(noun),
  touches: z.optional(
    z.array(z.strictObject({ table: databaseName, keyColumns: z.array(databaseName).check(z.minLength(1)) })),
  ),
  derived: z.optional(
    z.array(
      z.strictObject({
        name: databaseName,
        countOf: databaseName,
        where: z.record(z.string(), databaseName),
      }),
    ),
  ),
});

const category = z.strictObject({
  name: z
    .string()
    .check(
      z.refine(isCategoryName, 'lower-case words joined by hyphens, at most 40 characters'),
      z.maxLength(longestCategoryName),
    ),
  order,
  aliases: z.optional(z.array(title)),
  nonCriticalJobs: z.optional(z.array(title)),
  tables: z.array(tableSchema),
});

export const migrationSchema = z.strictObject({
  apiVersion: z.literal(migrationApiVersion),
  name: noun,
  mappings: z.optional(
    z
      .array(z.strictObject({ name: noun, absentTables: z.enum(['rejected', 'empty']) }))
      .check(z.minLength(1)),
  ),
  categories: z.array(category).check(z.minLength(1)),
});

export type TableData = z.infer<typeof tableSchema>;

/** JSON Schema of the data parts, for editors and other tools. */
export function migrationJsonSchema(): unknown {
  const schema = z.toJSONSchema(migrationSchema) as Record<string, unknown>;
  return { title: 'Data parts of a migration file', ...schema };
}
