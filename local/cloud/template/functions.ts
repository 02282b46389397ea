import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { arnOf } from '../../engines/arns.ts';
import { HalError } from '../../../lib/kernel/errors.ts';
import type { FunctionSpec } from '../lambda/function-spec.ts';
import { nameOf } from './identities.ts';
import { optionalNumber, optionalText, propertyAt, textAt } from './properties.ts';
import { allowedActions } from './permissions.ts';
import type { ResolvedResource } from './resolve.ts';
import type { StackTemplate } from './templates.ts';

/** Workers of one function unless its event source or its reserved concurrency says otherwise. */
const defaultConcurrency = 2;
/** What the account's concurrency is on AWS: more sandboxes than cores only take memory and time from each other. */
const highestConcurrency = Math.max(defaultConcurrency, availableParallelism());

export interface FunctionSettings {
  /** As synthesized: the policies of the functions' roles are in them. */
  readonly stacks: readonly StackTemplate[];
  /** Directory of the synthesized app. */
  readonly assembly: string;
  /** Environment that every function gets: SDK endpoints, credentials, Region. */
  readonly sharedEnv: Readonly<Record<string, string>>;
  /** Values that replace those of the template, where the template has the variable. */
  readonly overrides: Readonly<Record<string, string>>;
}

export function functionSpecs(
  resources: readonly ResolvedResource[],
  settings: FunctionSettings,
): readonly FunctionSpec[] {
  return resources.filter(isProductFunction).map((resource) => functionSpec(resource, resources, settings));
}

/** The CDK's own providers of custom resources are functions too; they only run at deployment. */
function isProductFunction(resource: ResolvedResource): boolean {
  return (
    resource.type === 'AWS::Lambda::Function' &&
    optionalText(resource, 'Handler') !== '__entrypoint__.handler'
  );
}

function functionSpec(
  resource: ResolvedResource,
  resources: readonly ResolvedResource[],
  settings: FunctionSettings,
): FunctionSpec {
  const name = nameOf(resource, 'FunctionName');
  const [moduleName = 'index', exportName = 'handler'] = textAt(resource, 'Handler').split('.');
  return {
    name,
    arn: arnOf('lambda', `function:${name}`),
    modulePath: modulePath(resource, settings.assembly, moduleName),
    exportName,
    timeoutMs: (optionalNumber(resource, 'Timeout') ?? 3) * 1_000,
    memoryMb: optionalNumber(resource, 'MemorySize') ?? 128,
    env: environment(resource, settings, name),
    allowedActions: allowedActions(resource, settings.stacks),
    maxConcurrency: concurrency(resource, resources, name),
    isBackground: isBulkWork(resource, resources, name),
  };
}

/** Works through queues, streams or whole stores; what holds a fence or carries out a step is none of it. */
function isBulkWork(
  resource: ResolvedResource,
  resources: readonly ResolvedResource[],
  name: string,
): boolean {
  const variables = (propertyAt(resource, 'Environment.Variables') ?? {}) as Record<string, string>;
  return Object.hasOwn(variables, 'TIME_BUDGET_SECONDS') || mappingOf(resources, name) !== undefined;
}

function mappingOf(resources: readonly ResolvedResource[], name: string): ResolvedResource | undefined {
  return resources.find(
    (other) =>
      other.type === 'AWS::Lambda::EventSourceMapping' && optionalText(other, 'FunctionName') === name,
  );
}

function modulePath(resource: ResolvedResource, assembly: string, moduleName: string): string {
  const hash = textAt(resource, 'Code.S3Key')
    .replace(/^.*\//, '')
    .replace(/\.zip$/, '');
  const path = join(assembly, `asset.${hash}`, `${moduleName}.mjs`);
  if (existsSync(path)) return path;
  throw new HalError({
    name: 'FunctionBundleMissing',
    message: `The bundle of ${resource.logicalId} is not at ${path}.`,
    remedy: 'Run `npm run synth` in the project root; it bundles every function.',
    exit: 'unavailable',
    facts: { path, stack: resource.stackName, logicalId: resource.logicalId },
  });
}

function environment(
  resource: ResolvedResource,
  settings: FunctionSettings,
  name: string,
): Record<string, string> {
  const own = (propertyAt(resource, 'Environment.Variables') ?? {}) as Record<string, string>;
  const replaced = Object.entries(settings.overrides).filter(([key]) => Object.hasOwn(own, key));
  return {
    ...settings.sharedEnv,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    ...own,
    ...Object.fromEntries(replaced),
  };
}

function concurrency(
  resource: ResolvedResource,
  resources: readonly ResolvedResource[],
  name: string,
): number {
  const reserved = optionalNumber(resource, 'ReservedConcurrentExecutions');
  const mapping = mappingOf(resources, name);
  const wanted =
    reserved ??
    (mapping === undefined ? undefined : optionalNumber(mapping, 'ScalingConfig.MaximumConcurrency'));
  return Math.max(1, Math.min(wanted ?? defaultConcurrency, highestConcurrency));
}
