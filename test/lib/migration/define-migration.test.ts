import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { HalError } from '../../../lib/kernel/errors.ts';
import { defineMigration } from '../../../lib/migration/define-migration.ts';
import { hal9Migration } from '../../../lib/migration/hal9-definition.ts';
import type { MigrationFile, TableInFile } from '../../../lib/migration/migration-file.ts';
import { migrationJsonSchema } from '../../../lib/migration/migration-schema.ts';
import { categoriesOf } from '../../../lib/migration/table-lookup.ts';

const transform: TableInFile['transform'] = {
  convert: (row) => ({ kind: 'converted', record: { body: row } }),
  restore: (body) => body as Record<string, string>,
};

function table(changes: Partial<TableInFile> & Record<string, unknown> = {}): TableInFile {
  return {
    recordType: 'customer',
    table: 'customers',
    key: ['id'],
    order: 1,
    columns: [{ name: 'id', storage: 'text' }],
    transform,
    ...changes,
  };
}

function file(changes: Partial<MigrationFile> & Record<string, unknown> = {}): MigrationFile {
  return {
    apiVersion: 'hal9-migrate/v1',
    name: 'shop',
    categories: [{ name: 'customers', order: 1, tables: [table()] }],
    ...changes,
  };
}

function withTables(...tables: readonly TableInFile[]): MigrationFile {
  return file({ categories: [{ name: 'customers', order: 1, tables }] });
}

function faultsOf(wrong: MigrationFile): readonly string[] {
  try {
    defineMigration(wrong);
  } catch (error) {
    if (error instanceof HalError && error.name === 'MigrationInvalid')
      return error.facts['faults'] as string[];
    throw error;
  }
  return [];
}

describe('a migration file', () => {
  test('is ordered by its own numbers, categories first', () => {
    const line = table({ recordType: 'line', table: 'lines', order: 2 });
    const order = table({ recordType: 'order', table: 'orders', order: 1 });

    const definition = defineMigration(
      file({
        categories: [
          { name: 'orders', order: 2, aliases: ['sales'], tables: [line, order] },
          { name: 'customers', order: 1, nonCriticalJobs: ['newsletter'], tables: [table()] },
        ],
      }),
    );

    expect(categoriesOf(definition)).toEqual(['customers', 'orders']);
    expect(definition.tables.map(({ recordType }) => recordType)).toEqual(['customer', 'order', 'line']);
    expect(definition.categoryAliases).toEqual({ sales: 'orders' });
    expect(definition.nonCriticalJobs).toEqual({ customers: ['newsletter'] });
  });

  test('is refused with every fault at once, each with its path', () => {
    const wrong = file({
      nmae: 'shop',
      categories: [
        {
          name: 'Customers',
          order: 1,
          tabels: [],
          tables: [table({ kye: ['id'], transform: { convert: () => null } as never })],
        },
        {
          name: 'orders',
          order: 1,
          tables: [table({ recordType: 'order', table: 'orders', key: ['number'] })],
        },
      ],
    } as never);

    expect(faultsOf(wrong).toSorted()).toEqual([
      '"categories.0" has an unknown member "tabels"; did you mean "tables"?',
      '"categories.0.name" must be lower-case words joined by hyphens, at most 40 characters',
      '"categories.0.tables.0" has an unknown member "kye"; did you mean "key"?',
      '"categories.0.tables.0.transform.restore" must be a function',
      '"categories.1.tables.0.key.0" names number, which is not among the columns',
      'categories have the same order twice: 1',
      'the document has an unknown member "nmae"; did you mean "name"?',
    ]);
  });

  test.each<[string, MigrationFile, string]>([
    ['a version it was not written for', file({ apiVersion: 'v2' as never }), 'hal9-migrate/v1'],
    ['no category', file({ categories: [] }), '"categories" must be at least 1'],
    [
      'two categories of one name',
      file({ categories: [1, 2].map((order) => ({ name: 'same', order, tables: [] })) }),
      'categories have the same name twice: same',
    ],
    [
      'an alias that is another category',
      file({
        categories: [
          { name: 'one', order: 1, tables: [] },
          { name: 'two', order: 2, aliases: ['one'], tables: [] },
        ],
      }),
      'categories have the same name twice: one',
    ],
    [
      'a record type twice',
      withTables(table(), table({ table: 'clients', order: 2 })),
      'tables have the same recordType twice: customer',
    ],
    [
      'a table twice',
      withTables(table(), table({ recordType: 'client', order: 2 })),
      'tables have the same table twice: customers',
    ],
    [
      'a key without columns',
      withTables(table({ key: [] })),
      '"categories.0.tables.0.key" must be at least 1',
    ],
    [
      'a key that may be null',
      withTables(table({ columns: [{ name: 'id', storage: 'text', nullable: true }] })),
      'names id, which may have no value',
    ],
    [
      'a key of fractions',
      withTables(table({ columns: [{ name: 'id', storage: 'real' }] })),
      'a key is made of texts and integers',
    ],
    [
      'a column of no storage class',
      withTables(table({ columns: [{ name: 'id', storage: 'uuid' as never }] })),
      '"categories.0.tables.0.columns.0.storage" must be text or integer or real or blob or any',
    ],
    [
      'a mapping that is not declared',
      withTables(table({ mapping: 'old' })),
      'names old, which is no mapping',
    ],
    [
      'a table outside its mappings',
      { ...withTables(table()), mappings: [{ name: 'old', absentTables: 'empty' }] },
      '"categories.0.tables.0.mapping" must be one of old',
    ],
    [
      'a table that touches a stranger',
      withTables(table({ touches: [{ table: 'orders', keyColumns: ['id'] }] })),
      'names orders, which is no table of customers',
    ],
    [
      'a validator without a check',
      withTables(table({ validators: [{ name: 'has-name' } as never] })),
      '"categories.0.tables.0.validators.0.check" must be a function',
    ],
    ['no document at all', null as never, 'the document must be of type object'],
    [
      'tables that are no list',
      file({ categories: [{ name: 'a', order: 1, tables: {} as never }] }),
      'of type array',
    ],
  ])('with %s is refused', (_what, wrong, fault) => {
    expect(faultsOf(wrong).join('\n')).toContain(fault);
  });

  test('has a where of its own, or rows that count for others, not both', () => {
    const touches = [{ table: 'customers', keyColumns: ['id'] }];
    const definition = defineMigration(withTables(table({ where: "state = 'live'" })));

    expect(definition.tables[0]).toMatchObject({ where: "state = 'live'" });
    expect(faultsOf(withTables(table({ where: '' })))).toHaveLength(1);
    expect(faultsOf(withTables(table({ where: 'a = 1', touches })))).toEqual([
      '"categories.0.tables.0.where" cannot stand beside "touches": the other table counts every row',
    ]);
  });

  test('has validators that reject by their name what the transform would accept', () => {
    const [customer] = defineMigration(
      withTables(
        table({
          validators: [
            { name: 'short-id', check: ({ id }) => (String(id).length < 4 ? null : 'the id is long') },
          ],
        }),
      ),
    ).tables;

    const short = customer?.transform.convert({ id: 'abc' }, { nowMs: 0 });
    const long = customer?.transform.convert({ id: 'abcdef' }, { nowMs: 0 });

    expect(short).toMatchObject({ kind: 'converted' });
    expect(long).toEqual({
      kind: 'rejected',
      errorName: 'ValidationFailed',
      message: 'short-id: the id is long',
    });
  });
});

describe('the built-in definition', () => {
  test('is written in the same form', () => {
    expect(categoriesOf(hal9Migration)).toEqual([
      'user-sessions',
      'neuron-states',
      'learning-data',
      'configuration',
      'metadata',
    ]);
  });
});

test('the published schema is the one that files are checked with', () => {
  const published: unknown = JSON.parse(readFileSync('schemas/migration.schema.json', 'utf8'));

  expect(published).toEqual(JSON.parse(JSON.stringify(migrationJsonSchema())));
});
