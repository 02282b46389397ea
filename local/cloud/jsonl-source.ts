import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { objectsOf, type JsonlConfig } from '../../lib/config/source-config.ts';
import { HalError } from '../../lib/kernel/errors.ts';
import { describeShape, sourceShape } from '../../lib/migration/source-shape.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { makeOfflineFlatSource } from '../../lib/jsonl/flat-source.ts';
import { makeLocalIndexes } from '../../lib/jsonl/local-indexes.ts';
import { makeOfflineStore } from '../../lib/jsonl/offline-store.ts';
import { openSourceFiles } from '../../lib/sources/open-jsonl.ts';
import type { DataDirectory } from './data-directory.ts';
import { chosenMigration } from './deployment.ts';

/** Objects, a .jsonl or .ndjson file, or a folder, which no SQLite store is. */
export function isJsonlSource(source: string): boolean {
  if (source.startsWith('s3://')) return true;
  if (/\.(jsonl|ndjson)$/.test(source)) return true;
  return statSync(source, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Files and objects are used where they are; what is remembered of them is in the data directory. Throws HalError
 * `SourceUrlInvalid`, and `SourceMissing` for objects in no engine.
 */
export function jsonlConfig(directory: DataDirectory, source: string): JsonlConfig {
  const keeping = { folder: indexFolder(directory) };
  return source.startsWith('s3://')
    ? { kind: 'jsonl', ...objectsConfig(source), keeping }
    : { kind: 'jsonl', path: resolve(source), keeping };
}

/** `s3://BUCKET/PREFIX?endpoint=URL`: objects in the engine at the URL. */
function objectsConfig(source: string): Pick<JsonlConfig, 'path' | 'endpoint'> {
  const [path = '', query] = source.split('?', 2);
  if (objectsOf({ path }) === null) throw urlInvalid(source);
  const endpoint = new URLSearchParams(query).get('endpoint');
  if (endpoint === null) throw objectsElsewhere(path);
  return { path, endpoint };
}

function indexFolder({ root }: DataDirectory): string {
  return join(root, 'source-index');
}

/** Reads the files once, so that whatever is wrong with them is said now. Throws SourceRejected, SourceMissing. */
export async function useJsonl(
  directory: DataDirectory,
  config: JsonlConfig,
  say: (line: string) => void,
): Promise<JsonlConfig> {
  const definition = await chosenMigration();
  const source = makeOfflineFlatSource(
    makeOfflineStore({
      files: openSourceFiles(config),
      indexes: makeLocalIndexes(indexFolder(directory)),
      // Nothing is prepared yet: only the index is made.
      ledger: { read: () => Promise.resolve(null), write: () => Promise.resolve(false) },
      definition,
    }),
  );
  try {
    const shape = sourceShape(await source.inspect(), categoriesOf(definition));
    say(`Source: ${describeShape(shape) || `tables of ${definition.name}`} in the files of ${config.path}`);
  } finally {
    await source.close();
  }
  writeFileSync(directory.flatOrigin, JSON.stringify(config));
  return config;
}

/** The files that the directory was started with; null when its store is another. */
export function knownJsonl(directory: DataDirectory): JsonlConfig | null {
  if (!existsSync(directory.flatOrigin)) return null;
  const origin = JSON.parse(readFileSync(directory.flatOrigin, 'utf8')) as JsonlConfig | { kind: 'file' };
  return origin.kind === 'jsonl' ? origin : null;
}

function urlInvalid(source: string): HalError {
  return new HalError({
    name: 'SourceUrlInvalid',
    message: `${source} does not name objects.`,
    remedy: 'Name bucket, prefix and engine, such as s3://exports/hal9/?endpoint=http://127.0.0.1:9000',
    exit: 'usage',
    facts: { source },
  });
}

function objectsElsewhere(place: string): HalError {
  return new HalError({
    name: 'SourceMissing',
    message: `The local cloud has its own S3, which does not hold ${place}.`,
    remedy: `Name the engine that does: ${place}?endpoint=http://127.0.0.1:9000. Or bring the objects here with \`aws s3 sync ${place} FOLDER\`, then name the folder with --source.`,
    exit: 'sourceRejected',
    facts: { place },
  });
}
