import { HalError } from '../kernel/errors.ts';
import {
  planGeneration,
  type GeneratedRow,
  type GeneratorOptions,
  type GeneratorPlan,
} from '../migration/generator/generate-rows.ts';
import { hal9Definition } from '../migration/hal9-definition.ts';
import type { FlatValue } from '../migration/row.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { encodeValue, kindOfType } from './column-values.ts';
import { openDatabase, type ConnectionTarget, type Session } from './connection.ts';
import { columnTypes, flatConstraintsSql, flatSchemaSql } from './flat-schema.ts';
import { qualified, quoteName } from './names.ts';

export interface GenerateDatabaseOptions extends GeneratorOptions {
  readonly target: Omit<ConnectionTarget, 'maxConnections'>;
  /** Called after every few hundred rows, and once at the end. */
  readonly onProgress?: (progress: { readonly written: number; readonly records: number }) => void;
}

export interface GeneratedDatabase {
  readonly path: string;
  readonly records: number;
  readonly counts: GeneratorPlan['counts'];
}

const rowsPerInsert = 500;

/**
 * Writes a flat HAL9 store into an existing database, the same rows for the same seed, in one transaction. What
 * PostgreSQL cannot hold (bytes that are no text) is written as the nearest that it can. Throws HalError `OutputExists`.
 */
export async function generateDatabase(options: GenerateDatabaseOptions): Promise<GeneratedDatabase> {
  const { target, records, onProgress } = options;
  const { place, schema } = target;
  const plan = planGeneration(options);
  const database = openDatabase({ ...target, maxConnections: 1 });
  try {
    await database.transaction('BEGIN', async (session) => {
      await refuseExisting(session, place, schema);
      for (const statement of flatSchemaSql(schema, hal9Definition)) await session.script(statement);
      let written = 0;
      for (const rows of inPortions(plan.rows())) {
        await insertRows(session, schema, rows);
        written += rows.length;
        onProgress?.({ written, records });
      }
      for (const statement of flatConstraintsSql(schema)) await session.script(statement);
    });
  } finally {
    await database.close();
  }
  return { path: place, records, counts: plan.counts };
}

async function refuseExisting(session: Session, place: string, schema: string): Promise<void> {
  const names = hal9Definition.tables.map(({ table }) => table);
  const found = await session.first(
    `SELECT string_agg(c.relname::text, ', ') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])`,
    [schema, names],
  );
  const present = found?.[0] ?? null;
  if (present === null) return;
  throw new HalError({
    name: 'OutputExists',
    message: `${place} has tables of a flat store already: ${present}.`,
    remedy: 'Name another database or schema, or remove these tables first.',
    exit: 'conflict',
    facts: { place, tables: present },
  });
}

/** Rows of one table each. */
function* inPortions(rows: Iterable<GeneratedRow>): Generator<readonly GeneratedRow[]> {
  let portion: GeneratedRow[] = [];
  for (const row of rows) {
    const isOther = portion[0] !== undefined && portion[0].recordType !== row.recordType;
    if (isOther || portion.length === rowsPerInsert) {
      yield portion;
      portion = [];
    }
    portion.push(row);
  }
  if (portion.length > 0) yield portion;
}

async function insertRows(session: Session, schema: string, rows: readonly GeneratedRow[]): Promise<void> {
  const { table, columns } = tableOf(hal9Definition, rows[0]?.recordType ?? '');
  const names = columns.map(({ name }) => quoteName(name));
  const values = columns.map(({ name, storage }) =>
    rows.map(({ row }) =>
      encodeValue(kindOfType(baseTypes[storage]), storage, storable(row[name] ?? null, storage)),
    ),
  );
  await session.run(
    `INSERT INTO ${qualified(schema, table)} (${names.join(', ')})
     SELECT ${columns.map(({ storage }, at) => `u.c${at}::${columnTypes[storage]}`).join(', ')}
     FROM unnest(${columns.map((_, at) => `$${at + 1}::text[]`).join(', ')})
       AS u(${columns.map((_, at) => `c${at}`).join(', ')})`,
    values,
  );
}

const baseTypes = { text: 'text', integer: 'int8', real: 'float8', blob: 'bytea', any: 'json' } as const;

function storable(value: FlatValue, storage: keyof typeof baseTypes): FlatValue {
  if (value instanceof Uint8Array && storage === 'text') return Buffer.from(value).toString('latin1');
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '') : value;
}
