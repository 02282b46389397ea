import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { IConstruct } from 'constructs';

import { migrationFileName } from '../lib/config/deploy-file.ts';
import type { DeployFile } from '../lib/config/deploy-file.ts';
import { HalError } from '../lib/kernel/errors.ts';
import { migration as builtIn } from '../lib/migration/built-in-migration.ts';
import type { MigrationDefinition } from '../lib/migration/definition.ts';

/** Where constructs find the path of the chosen migration file; nothing is there for the built-in definition. */
export const migrationFileContext = 'hal9:migrationFile';

/** The migration file of a deployment; null for the built-in definition. Throws HalError `MigrationFileMissing`. */
export function migrationFileOf(deploy: DeployFile, deployFilePath: string): string | null {
  const directory = dirname(resolve(deployFilePath));
  if (deploy.migration === undefined) {
    const path = resolve(directory, migrationFileName);
    return existsSync(path) ? path : null;
  }
  const path = resolve(directory, deploy.migration);
  if (existsSync(path)) return path;
  throw new HalError({
    name: 'MigrationFileMissing',
    message: `The deploy file ${deployFilePath} names the migration file ${path}, which is not there.`,
    remedy: 'Correct `migration` in the deploy file; the path counts from the deploy file.',
    exit: 'usage',
    facts: { deployFilePath, path },
  });
}

/** Names of the tables that the chosen definition migrates; `scope` is below the app. */
export function migratedTables(scope: IConstruct): readonly string[] {
  const file: unknown = scope.node.tryGetContext(migrationFileContext);
  const { tables } = typeof file === 'string' ? definitionIn(file) : builtIn;
  return tables.map(({ table }) => table);
}

function definitionIn(path: string): MigrationDefinition {
  const { migration } = createRequire(import.meta.url)(path) as { readonly migration: MigrationDefinition };
  return migration;
}

/** Runs the file once, so that what is wrong in it stops the synthesis and not the first function that loads it. */
export async function checkMigrationFile(path: string | null): Promise<void> {
  if (path === null) return;
  const { migration } = (await import(pathToFileURL(path).href)) as { readonly migration?: unknown };
  if (typeof migration === 'object' && migration !== null && 'tables' in migration) return;
  throw new HalError({
    name: 'MigrationFileEmpty',
    message: `The migration file ${path} exports no \`migration\`.`,
    remedy: 'Export it: `export const migration = defineMigration({ ... })`.',
    exit: 'usage',
    facts: { path },
  });
}
