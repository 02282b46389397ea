import type { MigrationDefinition, Transform } from '../../lib/migration/definition.ts';
import type { FlatRow } from '../../lib/migration/row.ts';

/** Rows with this in their payload have no hierarchical form. */
export const poison = 'poison';

/** Any row of texts and integers; the shape differs enough from the row to need a way back. */
const transform: Transform = {
  convert(row) {
    const { payload } = row;
    if (typeof payload === 'string' && payload.startsWith(poison)) {
      return { kind: 'rejected', errorName: 'PoisonedRow', message: payload };
    }
    const columns = Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint'
        ? { integer: value }
        : typeof value === 'number'
          ? { real: value }
          : { text: value },
    ]);
    return { kind: 'converted', record: { body: { columns: Object.fromEntries(columns) as unknown } } };
  },
  restore(body) {
    const { columns } = body as {
      columns: Record<string, { integer?: number | bigint; real?: number | bigint; text?: string | null }>;
    };
    const values = Object.entries(columns).map(([name, { integer, real, text }]) => [
      name,
      integer !== undefined ? BigInt(integer) : real !== undefined ? Number(real) : (text ?? null),
    ]);
    return Object.fromEntries(values) as FlatRow;
  },
};

/** Two categories, three tables; one key of two parts. */
export const smallDefinition: MigrationDefinition = {
  name: 'small',
  tables: [
    {
      recordType: 'session',
      table: 'sessions',
      category: 'user-sessions',
      keyColumns: ['id'],
      columns: [
        { name: 'id', storage: 'text', nullable: false },
        { name: 'payload', storage: 'text', nullable: true },
      ],
      transform,
    },
    {
      recordType: 'event',
      table: 'events',
      category: 'metadata',
      keyColumns: ['stream', 'number'],
      columns: [
        { name: 'stream', storage: 'text', nullable: false },
        { name: 'number', storage: 'integer', nullable: false },
        { name: 'payload', storage: 'text', nullable: true },
      ],
      transform,
    },
    {
      recordType: 'note',
      table: 'notes',
      category: 'metadata',
      keyColumns: ['id'],
      columns: [
        { name: 'id', storage: 'text', nullable: false },
        { name: 'payload', storage: 'text', nullable: true },
      ],
      transform,
    },
  ],
};
