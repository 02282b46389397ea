import type { FlatRecords } from '../gateway/ports.ts';
import { HalError } from '../kernel/errors.ts';
import type { FlatWriter } from '../migration/backup/ports.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { FlatSource } from '../migration/ports.ts';
import { openDatabase, type ConnectionTarget } from './connection.ts';
import { makePostgresFlatRecords } from './flat-records.ts';
import { makePostgresFlatSource } from './flat-source.ts';
import { makeFlatStore } from './flat-store.ts';
import { makePostgresFlatWriter } from './flat-writer.ts';

/** Connections of one function or command, and of one service. */
const sourceConnections = 2;
const serviceConnections = 16;

/** Opens the flat store for the migration; changes nothing in it until `installChangeLog`. Connects on first use. */
export function openPostgresSource(
  target: Omit<ConnectionTarget, 'maxConnections'>,
  definition: MigrationDefinition,
): FlatSource {
  const database = openDatabase({ ...target, maxConnections: sourceConnections });
  return makePostgresFlatSource(makeFlatStore(database, definition));
}

/** Opens the flat store for the state gateway, on connections of its own. */
export function openPostgresRecords(
  target: Omit<ConnectionTarget, 'maxConnections'>,
  definition: MigrationDefinition,
): FlatRecords & { close(): Promise<void> } {
  const database = openDatabase({ ...target, maxConnections: serviceConnections });
  return makePostgresFlatRecords(makeFlatStore(database, definition));
}

/** Opens the flat store for restores, on connections of its own. */
export function openPostgresWriter(
  target: Omit<ConnectionTarget, 'maxConnections'>,
  definition: MigrationDefinition,
): FlatWriter {
  const database = openDatabase({ ...target, maxConnections: sourceConnections });
  return makePostgresFlatWriter(makeFlatStore(database, definition));
}

/** A target by its URL. Throws HalError `SourceUrlInvalid`. */
export function targetOfUrl(url: string, schema: string): Omit<ConnectionTarget, 'maxConnections'> {
  const parsed = URL.parse(url);
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol) || parsed.pathname.length < 2) {
    throw new HalError({
      name: 'SourceUrlInvalid',
      message: 'The URL of the flat store is none of the form postgres://user:password@host:port/database.',
      remedy: 'Give such a URL; characters such as @ and / in a password are percent-encoded.',
      exit: 'usage',
    });
  }
  const place = `postgres://${parsed.host}${parsed.pathname} (${schema})`;
  return { place, schema, connection: { connectionString: url } };
}
