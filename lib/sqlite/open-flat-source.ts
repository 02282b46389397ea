import type { SqliteConfig } from '../config/source-config.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { FlatSource } from '../migration/ports.ts';
import { openConnection } from './connection.ts';
import { makeSqliteFlatSource } from './flat-source.ts';
import { makeFlatStore } from './flat-store.ts';

/**
 * Opens the flat store for the migration; changes nothing in it until `installChangeLog`.
 * Throws HalError `SourceMissing`, `SourceNotSqlite`, `SourceCorrupt`, `SourceLocked`.
 */
export function openFlatSource(config: SqliteConfig, definition: MigrationDefinition): FlatSource {
  return makeSqliteFlatSource(makeFlatStore(openConnection(config.path), definition));
}
