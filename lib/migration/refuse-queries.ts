import { HalError } from '../kernel/errors.ts';
import type { MigrationDefinition } from './definition.ts';

/** Throws HalError `QueryUnsupported` for a definition with a `where`, of a source (`kind`) that speaks no SQL. */
export function refuseQueries({ tables }: Pick<MigrationDefinition, 'tables'>, kind: string): void {
  const queried = tables.filter(({ where }) => where !== undefined).map(({ recordType }) => recordType);
  if (queried.length === 0) return;
  throw new HalError({
    name: 'QueryUnsupported',
    message: `A source of ${kind} has no queries, and the definition has a where for ${queried.join(', ')}.`,
    remedy:
      'Leave the where out, or migrate from SQLite or PostgreSQL; a validator can keep single rows back instead.',
    exit: 'usage',
    facts: { kind, recordTypes: queried },
  });
}
