import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { deployFileMissing, deployFileName, parseDeployFile } from '../../lib/config/deploy-file.ts';
import type { DeployFile } from '../../lib/config/deploy-file.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { loadMigration } from './chosen-migration.ts';
import { projectRoot } from './project-root.ts';

/** The deploy file that the templates were synthesized from. Throws DeployFileMissing and DeployFileInvalid. */
export function readDeployment(): DeployFile {
  const path = deployFilePath();
  if (existsSync(path)) return parseDeployFile(readFileSync(path, 'utf8'), path);
  throw deployFileMissing(path);
}

/** What the functions of the synthesized templates migrate. Throws like `readDeployment` and `loadMigration`. */
export function chosenMigration(): Promise<MigrationDefinition> {
  return loadMigration(readDeployment(), deployFilePath());
}

function deployFilePath(): string {
  return process.env['HAL9_DEPLOY_FILE'] ?? join(projectRoot, deployFileName);
}
