import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { migrationFileName, type DeployFile } from '../../lib/config/deploy-file.ts';
import { HalError } from '../../lib/kernel/errors.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';

/**
 * The definition that the functions of this deployment were bundled with, for whoever runs outside them. Throws
 * HalErrors `MigrationFileMissing`, `MigrationFileEmpty` and, from the file itself, `MigrationInvalid`.
 */
export async function loadMigration(
  deploy: DeployFile,
  deployFilePath: string,
): Promise<MigrationDefinition> {
  const directory = dirname(resolve(deployFilePath));
  const path = resolve(directory, deploy.migration ?? migrationFileName);
  if (existsSync(path)) return await migrationIn(path);
  if (deploy.migration === undefined) {
    const { migration } = await import('../../lib/migration/built-in-migration.ts');
    return migration;
  }
  throw new HalError({
    name: 'MigrationFileMissing',
    message: `The deploy file ${deployFilePath} names the migration file ${path}, which is not there.`,
    remedy: 'Correct `migration` in the deploy file; the path counts from the deploy file.',
    exit: 'usage',
    facts: { deployFilePath, path },
  });
}

async function migrationIn(path: string): Promise<MigrationDefinition> {
  const { migration } = (await import(pathToFileURL(path).href)) as { migration?: MigrationDefinition };
  if (migration !== undefined) return migration;
  throw new HalError({
    name: 'MigrationFileEmpty',
    message: `The migration file ${path} exports no \`migration\`.`,
    remedy: 'Export it: `export const migration = defineMigration({ ... })`.',
    exit: 'usage',
    facts: { path },
  });
}
