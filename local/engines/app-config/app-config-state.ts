import { createHash } from 'node:crypto';

import { ApiFault } from '../api-fault.ts';
import { arnOf } from '../arns.ts';
import type { ActionPoint, ExtensionAction, ProfileValidator } from '../ports.ts';

/** Everything AppConfig knows; plain JSON, since it is its own snapshot. */
export interface AppConfigState {
  readonly applications: Application[];
  readonly strategies: Strategy[];
  readonly extensions: Extension[];
  readonly associations: Association[];
}

export interface Application {
  readonly id: string;
  readonly name: string;
  readonly environments: Environment[];
  readonly profiles: Profile[];
}

export interface Environment {
  readonly id: string;
  readonly applicationId: string;
  readonly name: string;
  monitors: readonly { readonly AlarmArn: string }[];
  /** Ascending by number. */
  readonly deployments: Deployment[];
}

export interface Profile {
  readonly id: string;
  readonly applicationId: string;
  readonly name: string;
  readonly type: string;
  validators: readonly ProfileValidator[];
  /** Ascending by number. */
  readonly versions: HostedVersion[];
}

export interface HostedVersion {
  readonly number: number;
  readonly contentBase64: string;
  readonly contentType: string;
  readonly description?: string;
  readonly label?: string;
}

type DeploymentState = 'DEPLOYING' | 'BAKING' | 'COMPLETE' | 'ROLLING_BACK' | 'ROLLED_BACK' | 'REVERTED';

export interface DeploymentEvent {
  readonly type: string;
  readonly triggeredBy: 'USER' | 'APPCONFIG' | 'CLOUDWATCH_ALARM';
  readonly description: string;
  readonly atMs: number;
}

export interface Deployment {
  readonly number: number;
  readonly applicationId: string;
  readonly environmentId: string;
  readonly profileId: string;
  readonly profileName: string;
  readonly strategy: Strategy;
  readonly version: number;
  readonly versionLabel?: string;
  readonly description?: string;
  /** Newest first, as GetDeployment answers them. */
  readonly events: DeploymentEvent[];
  state: DeploymentState;
  percentage: number;
  readonly startedAtMs: number;
  completedAtMs?: number;
}

export interface Strategy {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly durationMinutes: number;
  readonly growthFactor: number;
  readonly growthType: 'LINEAR' | 'EXPONENTIAL';
  readonly bakeMinutes: number;
}

export interface Extension {
  readonly id: string;
  readonly name: string;
  actions: Partial<Record<ActionPoint, readonly ExtensionAction[]>>;
}

export interface Association {
  readonly id: string;
  readonly extensionId: string;
  readonly resourceArn: string;
  parameters: Readonly<Record<string, string>>;
}

export function emptyAppConfig(): AppConfigState {
  return { applications: [], strategies: [...predefinedStrategies], extensions: [], associations: [] };
}

/** Seven characters that stay the same for the same names, so that a rebuilt cloud gives the same ids. */
export function idFor(...names: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(names)).digest();
  return digest.readBigUInt64BE().toString(36).padStart(7, '0').slice(-7);
}

export function missing(kind: string, id: string): ApiFault {
  return new ApiFault('ResourceNotFoundException', 404, `there is no ${kind} ${id}`, { ResourceName: id });
}

export function badRequest(message: string, members: Readonly<Record<string, unknown>> = {}): ApiFault {
  return new ApiFault('BadRequestException', 400, message, members);
}

export function conflict(message: string): ApiFault {
  return new ApiFault('ConflictException', 409, message);
}

export function applicationOf(state: AppConfigState, id: string): Application {
  return found(state.applications, 'application', id);
}

export function environmentOf(state: AppConfigState, applicationId: string, id: string): Environment {
  return found(applicationOf(state, applicationId).environments, 'environment', id);
}

export function profileOf(state: AppConfigState, applicationId: string, id: string): Profile {
  return found(applicationOf(state, applicationId).profiles, 'configuration profile', id);
}

export function strategyOf(state: AppConfigState, id: string): Strategy {
  return found(state.strategies, 'deployment strategy', id);
}

/** `wanted` is a version number or a version label. */
export function versionOf(profile: Profile, wanted: string): HostedVersion {
  const version = profile.versions.find((known) => String(known.number) === wanted || known.label === wanted);
  if (version === undefined) {
    throw missing('hosted configuration version', `${profile.name}/${wanted}`);
  }
  return version;
}

export function deploymentOf(environment: Environment, number: string): Deployment {
  const deployment = environment.deployments.find((known) => String(known.number) === number);
  if (deployment === undefined) {
    throw missing('deployment', number);
  }
  return deployment;
}

export function isUnderWay(deployment: Deployment): boolean {
  return (
    deployment.state === 'DEPLOYING' || deployment.state === 'BAKING' || deployment.state === 'ROLLING_BACK'
  );
}

/** The version number a caller in `bucket` (0..100) of the rollout sees; undefined before the first deployment. */
export function visibleVersion(
  environment: Environment,
  profileId: string,
  bucket: number,
): number | undefined {
  const deployments = environment.deployments.filter((deployment) => deployment.profileId === profileId);
  const candidate = deployments.find(isUnderWay);
  if (candidate !== undefined && candidate.state !== 'ROLLING_BACK' && bucket < candidate.percentage) {
    return candidate.version;
  }
  return deployments.findLast((deployment) => deployment.state === 'COMPLETE')?.version;
}

export const appConfigArns = {
  application: (id: string): string => arnOf('appconfig', `application/${id}`),
  environment: (applicationId: string, id: string): string =>
    arnOf('appconfig', `application/${applicationId}/environment/${id}`),
  profile: (applicationId: string, id: string): string =>
    arnOf('appconfig', `application/${applicationId}/configurationprofile/${id}`),
};

function found<T extends { readonly id: string }>(known: readonly T[], kind: string, id: string): T {
  const match = known.find((candidate) => candidate.id === id);
  if (match === undefined) {
    throw missing(kind, id);
  }
  return match;
}

function predefined(
  name: string,
  shape: Pick<Strategy, 'durationMinutes' | 'growthFactor' | 'growthType' | 'bakeMinutes'>,
): Strategy {
  return { id: `AppConfig.${name}`, name: `AppConfig.${name}`, ...shape };
}

const predefinedStrategies: readonly Strategy[] = [
  predefined('AllAtOnce', { durationMinutes: 0, growthFactor: 100, growthType: 'LINEAR', bakeMinutes: 10 }),
  predefined('Linear50PercentEvery30Seconds', {
    durationMinutes: 1,
    growthFactor: 50,
    growthType: 'LINEAR',
    bakeMinutes: 1,
  }),
  predefined('Canary10Percent20Minutes', {
    durationMinutes: 20,
    growthFactor: 10,
    growthType: 'EXPONENTIAL',
    bakeMinutes: 10,
  }),
];
