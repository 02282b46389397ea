import type { PostgresConfig, SourceConfig } from '../config/source-config.ts';
import type { FlatRecords } from '../gateway/ports.ts';
import type { FlatWriter } from '../migration/backup/ports.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { FlatSource } from '../migration/ports.ts';
import { refuseQueries } from '../migration/refuse-queries.ts';
import type { ConnectionTarget } from '../postgres/connection.ts';

// An engine is loaded only where the source needs it.

/**
 * Opens the flat store for the migration; changes nothing in it until `installChangeLog`. PostgreSQL and
 * DynamoDB are asked nothing before the first question. Throws HalError `SourceMissing`, `SourceNotSqlite`, `SourceCorrupt`, `SourceLocked`,
 * `SourceUrlInvalid`, `SecretUnreadable`, `QueryUnsupported`. Files are looked at with the first question.
 */
export async function openFlatSource(
  config: SourceConfig,
  definition: MigrationDefinition,
): Promise<FlatSource> {
  if (config.kind === 'sqlite') {
    const sqlite = await import('../sqlite/open-flat-source.ts');
    return sqlite.openFlatSource(config, definition);
  }
  if (config.kind === 'jsonl') {
    refuseQueries(definition, 'files');
    const jsonl = await import('./open-jsonl.ts');
    return jsonl.openJsonlSource(config, definition);
  }
  if (config.kind === 'dynamodb') {
    refuseQueries(definition, 'DynamoDB tables');
    const { openDynamoSource } = await import('../dynamodb/open-store.ts');
    return openDynamoSource(config, definition);
  }
  const { openPostgresSource } = await import('../postgres/open-store.ts');
  return openPostgresSource(await targetOf(config), definition);
}

/** Opens the flat store for restores, on connections of its own. */
export async function openFlatWriter(
  config: SourceConfig,
  definition: MigrationDefinition,
): Promise<FlatWriter> {
  if (config.kind === 'sqlite') {
    const sqlite = await import('../sqlite/flat-writer.ts');
    return sqlite.openFlatWriter(config, definition);
  }
  if (config.kind === 'jsonl') {
    refuseQueries(definition, 'files');
    const jsonl = await import('./open-jsonl.ts');
    return jsonl.openJsonlWriter(config, definition);
  }
  if (config.kind === 'dynamodb') {
    refuseQueries(definition, 'DynamoDB tables');
    const { openDynamoWriter } = await import('../dynamodb/open-store.ts');
    return openDynamoWriter(config, definition);
  }
  const { openPostgresWriter } = await import('../postgres/open-store.ts');
  return openPostgresWriter(await targetOf(config), definition);
}

/** Opens the flat store for the state gateway, on connections of its own. */
export async function openFlatRecords(
  config: SourceConfig,
  definition: MigrationDefinition,
): Promise<FlatRecords & { close(): void | Promise<void> }> {
  if (config.kind === 'sqlite') {
    const sqlite = await import('../sqlite/flat-records.ts');
    return sqlite.openFlatRecords(config, definition);
  }
  if (config.kind === 'jsonl') {
    refuseQueries(definition, 'files');
    const jsonl = await import('./open-jsonl.ts');
    return jsonl.openJsonlRecords(config, definition);
  }
  if (config.kind === 'dynamodb') {
    refuseQueries(definition, 'DynamoDB tables');
    const { openDynamoRecords } = await import('../dynamodb/open-store.ts');
    return openDynamoRecords(config, definition);
  }
  const { openPostgresRecords } = await import('../postgres/open-store.ts');
  return openPostgresRecords(await targetOf(config), definition);
}

async function targetOf(config: PostgresConfig): Promise<Omit<ConnectionTarget, 'maxConnections'>> {
  const schema = config.schema ?? 'public';
  if (config.url !== undefined) {
    const { targetOfUrl } = await import('../postgres/open-store.ts');
    return targetOfUrl(config.url, schema);
  }
  const { readDatabaseSecret } = await import('../aws/database-secret.ts');
  const { host = '', port = 5432, database = '', secretArn = '' } = config;
  const { username } = await readDatabaseSecret(secretArn);
  return {
    place: `postgres://${host}:${port}/${database} (${schema})`,
    schema,
    connection: {
      host,
      port,
      database,
      user: username,
      // Asked for with each connection: the secret may have been rotated since.
      password: async () => (await readDatabaseSecret(secretArn)).password,
      ssl: { rejectUnauthorized: true },
    },
  };
}
