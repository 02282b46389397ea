import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { deployFileName } from '../lib/config/deploy-file.ts';
import { checkMigrationFile, migrationFileOf } from './migration-file.ts';
import { reportAndExit } from './report-failure.ts';
import { projectRoot } from './project-root.ts';
import { buildApp, readDeployFile } from './stages.ts';
import { recordInputs } from './synth-inputs.ts';

/** `npm run synth`: every template into cdk.out, offline and without the CDK CLI. */
const outdir = join(projectRoot, 'cdk.out');
const deployFilePath = process.env['HAL9_DEPLOY_FILE'];

try {
  // A faulty deploy file must not cost the last good templates.
  const deploy = readDeployFile(deployFilePath);
  const migrationFile = migrationFileOf(deploy, deployFilePath ?? join(projectRoot, deployFileName));
  await checkMigrationFile(migrationFile);
  rmSync(outdir, { recursive: true, force: true });
  buildApp({ outdir, ...(deployFilePath === undefined ? {} : { deployFilePath }) }).synth();
  recordInputs(outdir, deployFilePath);
  process.stdout.write(`Synthesized into ${outdir}\n`);
} catch (error) {
  reportAndExit(error);
}
