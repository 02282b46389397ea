import type { MigrationDefinition } from '../definition.ts';

/** Values of a column that must be keys of another table. */
export interface ReferenceRule {
  readonly kind: 'reference';
  readonly recordType: string;
  readonly columns: readonly string[];
  readonly toRecordType: string;
  /** What a value without such a key is called. */
  readonly fault: string;
}

/** Rows of a table whose last key column counts from its first value on without a gap. */
export interface SequenceRule {
  readonly kind: 'sequence';
  readonly recordType: string;
  /** Value of the first key column of the rows that are looked at. */
  readonly stream: string;
  readonly fault: string;
}

export type IntegrityRule = ReferenceRule | SequenceRule;

const hal9Rules: readonly IntegrityRule[] = [
  {
    kind: 'reference',
    recordType: 'connection',
    columns: ['source', 'target'],
    toRecordType: 'neuron',
    fault: 'DanglingEdge',
  },
  { kind: 'sequence', recordType: 'metadata', stream: 'audit', fault: 'AuditGap' },
];

/** The rules whose tables, with the columns that they name, the definition has. */
export function rulesOf(definition: MigrationDefinition): readonly IntegrityRule[] {
  const has = (recordType: string, columns: readonly string[]): boolean =>
    definition.tables.some(
      (table) =>
        table.recordType === recordType &&
        columns.every((name) => table.columns.some((column) => column.name === name)),
    );
  return hal9Rules.filter((rule) =>
    rule.kind === 'reference'
      ? has(rule.recordType, rule.columns) && has(rule.toRecordType, [])
      : definition.tables.some(
          ({ recordType, keyColumns }) => recordType === rule.recordType && keyColumns.length === 2,
        ),
  );
}
