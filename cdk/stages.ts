import { App } from 'aws-cdk-lib';
import { BUNDLING_STACKS } from 'aws-cdk-lib/cx-api';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { deployFileMissing, deployFileName, parseDeployFile } from '../lib/config/deploy-file.ts';
import type { DeployFile } from '../lib/config/deploy-file.ts';
import { resourceNames } from '../lib/kernel/resource-names.ts';
import { requireCohortInCacheKey } from './checks/cohort-in-cache-key.ts';
import { addRulePacks } from './checks/rule-packs.ts';
import { migrationFileContext, migrationFileOf } from './migration-file.ts';
import { projectRoot } from './project-root.ts';
import { ControlStack } from './stacks/control-stack.ts';
import { EdgeStack } from './stacks/edge-stack.ts';
import { MonitoringStack } from './stacks/monitoring-stack.ts';
import { StateStack } from './stacks/state-stack.ts';

export interface AppOptions {
  /** Where the templates go; the CDK's own default otherwise. */
  readonly outdir?: string;
  readonly deployFilePath?: string;
  /** false leaves the functions unbundled, for whoever looks at templates only. */
  readonly bundle?: boolean;
}

/** The whole app: four stacks split by lifecycle, the rule packs that judge them, the findings we accept with a reason. */
export function buildApp(options: AppOptions): App {
  const deploy = readDeployFile(options.deployFilePath);
  const migrationFile = migrationFileOf(deploy, options.deployFilePath ?? defaultDeployFile);
  const app = new App({
    ...(options.outdir === undefined ? {} : { outdir: options.outdir }),
    context: {
      ...cdkContext(),
      ...(options.bundle === false ? { [BUNDLING_STACKS]: [] } : {}),
      ...(migrationFile === null ? {} : { [migrationFileContext]: migrationFile }),
    },
    analyticsReporting: false,
  });
  const names = resourceNames(deploy.name);
  const account = deploy.account;
  const crossRegionReferences = deploy.region !== edgeRegion;
  const env = (region: string): object => ({
    env: { region, ...(account === undefined ? {} : { account }) },
  });
  const id = (suffix: string): string => `${pascalCase(deploy.name)}${suffix}`;

  const state = new StateStack(app, id('State'), { ...env(deploy.region), names, crossRegionReferences });
  const control = new ControlStack(app, id('Control'), {
    ...env(deploy.region),
    names,
    deploy,
    state,
    crossRegionReferences,
  });
  new EdgeStack(app, id('Edge'), {
    ...env(edgeRegion),
    names,
    deploy,
    flags: control.flags,
    routes: state.routes,
    crossRegionReferences,
  });
  new MonitoringStack(app, id('Monitoring'), { ...env(deploy.region), names, deploy, control });
  addRulePacks(app);
  requireCohortInCacheKey(app);
  return app;
}

const defaultDeployFile = join(projectRoot, deployFileName);

/** Lambda@Edge and the distribution's certificates exist only here. */
const edgeRegion = 'us-east-1';

/** Throws HalErrors `DeployFileMissing` and `DeployFileInvalid`. */
export function readDeployFile(path: string = defaultDeployFile): DeployFile {
  if (!existsSync(path)) throw deployFileMissing(path);
  return parseDeployFile(readFileSync(path, 'utf8'), path);
}

/** The context of cdk.json, which the library reads only when it is started by the CDK CLI. */
function cdkContext(): Record<string, unknown> {
  const cdkJson = JSON.parse(readFileSync(join(projectRoot, 'cdk.json'), 'utf8')) as {
    context: Record<string, unknown>;
  };
  return cdkJson.context;
}

function pascalCase(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());
}
