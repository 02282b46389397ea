import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import type { DynamoConfig } from '../../lib/config/source-config.ts';
import { makeDynamoFlatSource } from '../../lib/dynamodb/flat-source.ts';
import { removeChangeLog } from '../../lib/dynamodb/install-change-log.ts';
import { openTables } from '../../lib/dynamodb/open-store.ts';
import { HalError } from '../../lib/kernel/errors.ts';
import { describeShape, sourceShape } from '../../lib/migration/source-shape.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import type { DataDirectory } from './data-directory.ts';
import { chosenMigration } from './deployment.ts';
import { belongsElsewhere } from './source-faults.ts';

/** `dynamodb://PREFIX?endpoint=URL`: tables whose names begin with the prefix, in the engine at the URL. */
const tablesPattern = /^dynamodb:\/\/([\w.-]*)(?:\?(.*))?$/;

export function isDynamoUrl(source: string): boolean {
  return source.startsWith('dynamodb://');
}

/** Throws HalError `SourceUrlInvalid`, and `SourceMissing` for tables in no engine. */
export function dynamoConfig(source: string): DynamoConfig {
  const [, prefix, query] = tablesPattern.exec(source) ?? [];
  if (prefix === undefined) {
    throw new HalError({
      name: 'SourceUrlInvalid',
      message: `${source} does not name DynamoDB tables.`,
      remedy: 'Name their prefix and their engine, such as dynamodb://hal9-?endpoint=http://127.0.0.1:8000',
      exit: 'usage',
      facts: { source },
    });
  }
  const endpoint = new URLSearchParams(query).get('endpoint');
  if (endpoint !== null) return { kind: 'dynamodb', prefix, endpoint };
  throw new HalError({
    name: 'SourceMissing',
    message: `The local cloud has its own DynamoDB, which does not hold the tables of dynamodb://${prefix}.`,
    remedy: `Name the engine that does: dynamodb://${prefix}?endpoint=http://127.0.0.1:8000`,
    exit: 'sourceRejected',
    facts: { prefix },
  });
}

/**
 * Uses tables where they are: they are the flat system's own. A directory that is new has an empty target, so that
 * the log of an earlier migration is dropped. Throws SourceBelongsElsewhere when that migration has authority over some
 * of it, SourceRejected, and SourceUnreachable.
 */
export async function useDynamo(
  directory: DataDirectory,
  config: DynamoConfig,
  say: (line: string) => void,
): Promise<DynamoConfig> {
  const definition = await chosenMigration();
  const store = openTables(config, definition);
  const source = makeDynamoFlatSource(store);
  try {
    const shape = sourceShape(await source.inspect(), categoriesOf(definition));
    say(`Source: ${describeShape(shape) || `tables of ${definition.name}`} in ${store.place}`);
    if (existsSync(directory.flatOrigin)) return config;
    for (const category of categoriesOf(definition)) {
      const { state } = await source.authority(category);
      if (state !== 'open') throw belongsElsewhere(store.place, category);
    }
    await removeChangeLog(store);
  } finally {
    await source.close();
  }
  writeFileSync(directory.flatOrigin, JSON.stringify(config));
  return config;
}

/** The tables that the directory was started with; null when its store is another. */
export function knownDynamo(directory: DataDirectory): DynamoConfig | null {
  if (!existsSync(directory.flatOrigin)) return null;
  const origin = JSON.parse(readFileSync(directory.flatOrigin, 'utf8')) as DynamoConfig | { kind: 'file' };
  return origin.kind === 'dynamodb' ? origin : null;
}
