import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import type { PostgresConfig } from '../../lib/config/source-config.ts';
import { describeShape, sourceShape } from '../../lib/migration/source-shape.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { readAuthority } from '../../lib/postgres/change-log.ts';
import { openDatabase } from '../../lib/postgres/connection.ts';
import { removeChangeLog } from '../../lib/postgres/install-change-log.ts';
import { openPostgresSource, targetOfUrl } from '../../lib/postgres/open-store.ts';
import type { DataDirectory } from './data-directory.ts';
import { chosenMigration } from './deployment.ts';
import { belongsElsewhere } from './source-faults.ts';

export function isPostgresUrl(source: string): boolean {
  return /^postgres(ql)?:\/\//.test(source);
}

/** `?schema=` names the schema, as no other parameter of the URL does. */
export function postgresConfig(source: string): PostgresConfig {
  const url = URL.parse(source);
  const schema = url?.searchParams.get('schema') ?? 'public';
  url?.searchParams.delete('schema');
  return { kind: 'postgres', url: url?.href ?? source, schema };
}

/**
 * Uses a database where it is: it is the flat system's own. A directory that is new has an empty target, so that what
 * an earlier migration left of its log is taken out. Throws SourceBelongsElsewhere when that migration has authority
 * over some of it, SourceRejected, and the faults of a source that cannot be reached.
 */
export async function usePostgres(
  directory: DataDirectory,
  config: PostgresConfig,
  say: (line: string) => void,
): Promise<PostgresConfig> {
  const definition = await chosenMigration();
  const target = targetOfUrl(config.url ?? '', config.schema ?? 'public');
  const source = openPostgresSource(target, definition);
  try {
    const shape = sourceShape(await source.inspect(), categoriesOf(definition));
    say(`Source: ${describeShape(shape) || `tables of ${definition.name}`} in ${target.place}`);
  } finally {
    await source.close();
  }
  if (existsSync(directory.flatOrigin)) return config;
  const database = openDatabase({ ...target, maxConnections: 1 });
  try {
    const found = await database.first('SELECT to_regclass($1)::text', [
      `"${database.schema.replaceAll('"', '""')}"._mig_authority`,
    ]);
    if ((found?.[0] ?? null) !== null) {
      for (const category of categoriesOf(definition)) {
        const { state } = await readAuthority(database, database.schema, category);
        if (state !== 'open') throw belongsElsewhere(target.place, category);
      }
      await removeChangeLog(database, definition);
    }
  } finally {
    await database.close();
  }
  writeFileSync(directory.flatOrigin, JSON.stringify(config), { mode: 0o600 });
  return config;
}

/** The database that the directory was started with; null when its store is a file. */
export function knownPostgres(directory: DataDirectory): PostgresConfig | null {
  if (!existsSync(directory.flatOrigin)) return null;
  const origin = JSON.parse(readFileSync(directory.flatOrigin, 'utf8')) as PostgresConfig | { kind: 'file' };
  return origin.kind === 'postgres' ? origin : null;
}
