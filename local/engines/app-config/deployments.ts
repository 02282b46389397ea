import type { ActionPoint, VirtualClock } from '../ports.ts';
import type {
  Deployment,
  DeploymentEvent,
  Environment,
  HostedVersion,
  Profile,
  Strategy,
} from './app-config-state.ts';
import {
  badRequest,
  conflict,
  environmentOf,
  isUnderWay,
  profileOf,
  strategyOf,
  versionOf,
} from './app-config-state.ts';
import { validateContent } from './content-validation.ts';
import type { ActionDeps } from './extension-actions.ts';
import { notifyActions, runPreActions } from './extension-actions.ts';
import { rolloutSteps } from './rollout-steps.ts';

interface DeploymentRequest {
  readonly applicationId: string;
  readonly environmentId: string;
  readonly profileId: string;
  readonly strategyId: string;
  /** Number or label. */
  readonly version: string;
  readonly description?: string | undefined;
  /** Refuses when the environment has a newer deployment than this. */
  readonly latestNumber?: number | undefined;
}

export interface Deployments {
  start(request: DeploymentRequest): Promise<Deployment>;
  /** Rolls back what is under way, or reverts what is complete when `allowRevert`. */
  stop(environment: Environment, deployment: Deployment, allowRevert: boolean): void;
  onAlarm(alarmArn: string): void;
  /** Goes on with what a killed cloud left under way. */
  resume(): void;
  close(): void;
}

export interface DeploymentsDeps extends ActionDeps {
  readonly clock: VirtualClock;
  readonly onMutation: () => void;
  readonly onDeployment: (deployment: Deployment) => void;
}

const revertWithinMs = 72 * 3_600_000;

export function makeDeployments(deps: DeploymentsDeps): Deployments {
  const cancels = new Map<Deployment, AbortController>();
  const starting = new Set<Environment>();

  const run = (environment: Environment, deployment: Deployment): void => {
    const cancel = new AbortController();
    cancels.set(deployment, cancel);
    void rollOut(deps, { environment, deployment, signal: cancel.signal }).finally(() =>
      cancels.delete(deployment),
    );
  };
  const rollBack = (environment: Environment, deployment: Deployment, cause: RollbackCause): void => {
    cancels.get(deployment)?.abort();
    record(deps, deployment, { type: 'ROLLBACK_STARTED', ...cause });
    deployment.percentage = 0;
    deployment.state = 'ROLLED_BACK';
    deployment.completedAtMs = deps.clock.nowMs();
    record(deps, deployment, { type: 'ROLLBACK_COMPLETED', ...cause });
    deps.onDeployment(deployment);
    notify(deps, 'ON_DEPLOYMENT_ROLLED_BACK', environment, deployment);
  };

  return {
    async start(request) {
      const environment = environmentOf(deps.state, request.applicationId, request.environmentId);
      refuseSecond(environment, starting.has(environment), request.latestNumber);
      starting.add(environment);
      try {
        const deployment = await prepare(deps, environment, request);
        environment.deployments.push(deployment);
        deps.onDeployment(deployment);
        notify(deps, 'ON_DEPLOYMENT_START', environment, deployment);
        // The caller sees the deployment as it starts, even when it is over at once: AWS answers no later state.
        const started = { ...deployment, events: [...deployment.events] };
        run(environment, deployment);
        return started;
      } finally {
        starting.delete(environment);
      }
    },
    stop(environment, deployment, allowRevert) {
      if (isUnderWay(deployment)) {
        rollBack(environment, deployment, { triggeredBy: 'USER', description: 'stopped by its caller' });
        return;
      }
      revert(deps, environment, deployment, allowRevert);
    },
    onAlarm(alarmArn) {
      for (const { environment, deployment } of underWay(deps)) {
        if (environment.monitors.some((monitor) => monitor.AlarmArn === alarmArn)) {
          rollBack(environment, deployment, {
            triggeredBy: 'CLOUDWATCH_ALARM',
            description: `alarm ${alarmArn}`,
          });
        }
      }
    },
    resume() {
      for (const { environment, deployment } of underWay(deps)) {
        run(environment, deployment);
      }
    },
    close() {
      for (const cancel of cancels.values()) {
        cancel.abort();
      }
    },
  };
}

interface RollbackCause {
  readonly triggeredBy: DeploymentEvent['triggeredBy'];
  readonly description: string;
}

interface Rollout {
  readonly environment: Environment;
  readonly deployment: Deployment;
  readonly signal: AbortSignal;
}

function underWay(deps: DeploymentsDeps): readonly { environment: Environment; deployment: Deployment }[] {
  return deps.state.applications
    .flatMap((application) => application.environments)
    .flatMap((environment) =>
      environment.deployments.filter(isUnderWay).map((deployment) => ({ environment, deployment })),
    );
}

function refuseSecond(environment: Environment, starting: boolean, latestNumber: number | undefined): void {
  const current = environment.deployments.find(isUnderWay);
  if (starting || current !== undefined) {
    const number = current === undefined ? '' : ` ${current.number}`;
    throw conflict(`deployment${number} of environment ${environment.name} is under way; only one can be`);
  }
  const latest = environment.deployments.at(-1)?.number ?? 0;
  if (latestNumber !== undefined && latestNumber !== latest) {
    throw conflict(
      `the latest deployment of environment ${environment.name} is ${latest}, not ${latestNumber}`,
    );
  }
}

async function prepare(
  deps: DeploymentsDeps,
  environment: Environment,
  request: DeploymentRequest,
): Promise<Deployment> {
  const profile = profileOf(deps.state, request.applicationId, request.profileId);
  const strategy = strategyOf(deps.state, request.strategyId);
  const version = versionOf(profile, request.version);
  await validateContent(deps.functions, profile, version);
  const number = (environment.deployments.at(-1)?.number ?? 0) + 1;
  await runPreActions(
    deps,
    'PRE_START_DEPLOYMENT',
    { profile, environment },
    { Content: version.contentBase64, ContentType: version.contentType, DeploymentNumber: number },
  );
  const deployment = newDeployment({ environment, profile, strategy, version }, number, deps.clock.nowMs());
  const described = request.description === undefined ? {} : { description: request.description };
  const started: Deployment = { ...deployment, ...described };
  record(deps, started, {
    type: 'DEPLOYMENT_STARTED',
    triggeredBy: 'USER',
    description: 'deployment started',
  });
  return started;
}

function newDeployment(
  parts: { environment: Environment; profile: Profile; strategy: Strategy; version: HostedVersion },
  number: number,
  startedAtMs: number,
): Deployment {
  const { environment, profile, strategy, version } = parts;
  return {
    number,
    applicationId: profile.applicationId,
    environmentId: environment.id,
    profileId: profile.id,
    profileName: profile.name,
    strategy,
    version: version.number,
    ...(version.label !== undefined && { versionLabel: version.label }),
    events: [],
    state: 'DEPLOYING',
    percentage: 0,
    startedAtMs,
  };
}

async function rollOut(deps: DeploymentsDeps, rollout: Rollout): Promise<void> {
  const { environment, deployment, signal } = rollout;
  if (deployment.state === 'DEPLOYING' && !(await climb(deps, rollout))) {
    return;
  }
  if (deployment.strategy.bakeMinutes > 0) {
    deployment.state = 'BAKING';
    recordByAppConfig(
      deps,
      deployment,
      'BAKE_TIME_STARTED',
      `baking for ${deployment.strategy.bakeMinutes} minutes`,
    );
    notify(deps, 'ON_DEPLOYMENT_BAKING', environment, deployment);
    await deps.clock.sleep(deployment.strategy.bakeMinutes * 60_000, signal);
    if (signal.aborted) {
      return;
    }
  }
  deployment.state = 'COMPLETE';
  deployment.completedAtMs = deps.clock.nowMs();
  recordByAppConfig(deps, deployment, 'DEPLOYMENT_COMPLETED', 'deployment completed');
  notify(deps, 'ON_DEPLOYMENT_COMPLETE', environment, deployment);
}

/** Raises the percentage step by step; false when it was cancelled. */
async function climb(deps: DeploymentsDeps, rollout: Rollout): Promise<boolean> {
  const { environment, deployment, signal } = rollout;
  for (const step of rolloutSteps(deployment.strategy)) {
    if (step.percentage <= deployment.percentage) {
      continue;
    }
    deployment.percentage = step.percentage;
    recordByAppConfig(deps, deployment, 'PERCENTAGE_UPDATED', `${step.percentage}% of the callers`);
    notify(deps, 'ON_DEPLOYMENT_STEP', environment, deployment);
    if (step.lastsMs > 0) {
      await deps.clock.sleep(step.lastsMs, signal);
    }
    if (signal.aborted) {
      return false;
    }
  }
  return true;
}

function revert(
  deps: DeploymentsDeps,
  environment: Environment,
  deployment: Deployment,
  allowRevert: boolean,
): void {
  const ageMs = deps.clock.nowMs() - (deployment.completedAtMs ?? 0);
  if (!allowRevert || deployment.state !== 'COMPLETE' || ageMs > revertWithinMs) {
    throw badRequest(
      `deployment ${deployment.number} is ${deployment.state}; only one under way can be stopped, and only one completed within 72 hours can be reverted with AllowRevert`,
    );
  }
  deployment.state = 'REVERTED';
  record(deps, deployment, {
    type: 'REVERT_COMPLETED',
    triggeredBy: 'USER',
    description: 'reverted by its caller',
  });
  deps.onDeployment(deployment);
  notify(deps, 'ON_DEPLOYMENT_ROLLED_BACK', environment, deployment);
}

function record(deps: DeploymentsDeps, deployment: Deployment, event: Omit<DeploymentEvent, 'atMs'>): void {
  deployment.events.unshift({ ...event, atMs: deps.clock.nowMs() });
  deps.onMutation();
}

function recordByAppConfig(
  deps: DeploymentsDeps,
  deployment: Deployment,
  type: string,
  description: string,
): void {
  record(deps, deployment, { type, triggeredBy: 'APPCONFIG', description });
}

function notify(
  deps: DeploymentsDeps,
  point: ActionPoint,
  environment: Environment,
  deployment: Deployment,
): void {
  const profile = profileOf(deps.state, deployment.applicationId, deployment.profileId);
  notifyActions(deps, point, { profile, environment }, deployment);
}
