import type { AppConfigEngine, StrategySettings } from '../ports.ts';
import type {
  AppConfigState,
  Deployment,
  Environment,
  Extension,
  Profile,
  Strategy,
} from './app-config-state.ts';
import {
  appConfigArns,
  applicationOf,
  environmentOf,
  idFor,
  profileOf,
  versionOf,
  visibleVersion,
} from './app-config-state.ts';

export interface AppConfigEngineDeps {
  readonly state: AppConfigState;
  readonly nowMs: () => number;
  readonly onMutation: () => void;
  readonly onDeployment: AppConfigEngine['onDeployment'];
}

/** The declaring side of AppConfig, for templates and for the API's create calls. */
export function makeAppConfigEngine(deps: AppConfigEngineDeps): AppConfigEngine {
  const { state } = deps;
  const mutated = <T>(value: T): T => {
    deps.onMutation();
    return value;
  };

  return {
    onDeployment: deps.onDeployment,
    ensureApplication: (name) =>
      mutated(
        keep(state.applications, { id: idFor('application', name), name, environments: [], profiles: [] }).id,
      ),
    ensureEnvironment(applicationId, name, monitors) {
      const id = idFor('environment', applicationId, name);
      const fresh: Environment = { id, applicationId, name, monitors, deployments: [] };
      keep(applicationOf(state, applicationId).environments, fresh).monitors = monitors;
      return mutated(id);
    },
    ensureProfile(applicationId, settings) {
      const id = idFor('profile', applicationId, settings.name);
      const { name, validators, type = 'AWS.Freeform' } = settings;
      const fresh: Profile = { id, applicationId, name, type, validators, versions: [] };
      keep(applicationOf(state, applicationId).profiles, fresh).validators = validators;
      return mutated(id);
    },
    ensureStrategy: (settings) => mutated(ensureStrategy(state, settings)),
    ensureExtension(name, actions) {
      const fresh: Extension = { id: idFor('extension', name), name, actions };
      const kept = keep(state.extensions, fresh);
      kept.actions = actions;
      return mutated(kept.id);
    },
    ensureAssociation(extensionId, resourceArn, parameters = {}) {
      const id = idFor('association', extensionId, resourceArn);
      keep(state.associations, { id, extensionId, resourceArn, parameters }).parameters = parameters;
      return mutated(id);
    },
    ensureFirstVersion(target) {
      const profile = profileOf(state, target.applicationId, target.profileId);
      if (profile.versions.length > 0) {
        return;
      }
      const contentBase64 = Buffer.from(target.content, 'utf8').toString('base64');
      profile.versions.push({ number: 1, contentBase64, contentType: target.contentType });
      const environment = environmentOf(state, target.applicationId, target.environmentId);
      environment.deployments.push(firstDeployment(environment, profile, deps.nowMs()));
      deps.onMutation();
    },
    applicationArn: appConfigArns.application,
    environmentArn: appConfigArns.environment,
    profileArn: appConfigArns.profile,
    deployedContent(application, environment, profile) {
      const found = findTarget(state, { application, environment, profile });
      const number =
        found === undefined ? undefined : visibleVersion(found.environment, found.profile.id, 100);
      return found === undefined || number === undefined
        ? undefined
        : Buffer.from(versionOf(found.profile, String(number)).contentBase64, 'base64').toString('utf8');
    },
  };
}

export interface ConfigurationTarget {
  readonly environment: Environment;
  readonly profile: Profile;
}

/** What AppConfigData is asked for: each part is an id or a name. */
export function findTarget(
  state: AppConfigState,
  wanted: { readonly application: string; readonly environment: string; readonly profile: string },
): ConfigurationTarget | undefined {
  const application = byIdOrName(state.applications, wanted.application);
  const environment = byIdOrName(application?.environments ?? [], wanted.environment);
  const profile = byIdOrName(application?.profiles ?? [], wanted.profile);
  return environment === undefined || profile === undefined ? undefined : { environment, profile };
}

function byIdOrName<T extends { readonly id: string; readonly name: string }>(
  known: readonly T[],
  wanted: string,
): T | undefined {
  return (
    known.find((candidate) => candidate.id === wanted) ?? known.find((candidate) => candidate.name === wanted)
  );
}

/** The one with this id, which is `fresh` unless there was one already. */
function keep<T extends { readonly id: string }>(known: T[], fresh: T): T {
  const kept = known.find((candidate) => candidate.id === fresh.id);
  if (kept === undefined) {
    known.push(fresh);
  }
  return kept ?? fresh;
}

function ensureStrategy(state: AppConfigState, settings: StrategySettings): string {
  const strategy: Strategy = {
    id: idFor('strategy', settings.name),
    name: settings.name,
    durationMinutes: settings.deploymentDurationMinutes,
    growthFactor: settings.growthFactor,
    growthType: settings.growthType ?? 'LINEAR',
    bakeMinutes: settings.finalBakeMinutes,
  };
  const at = state.strategies.findIndex((known) => known.id === strategy.id);
  state.strategies.splice(at < 0 ? state.strategies.length : at, 1, strategy);
  return strategy.id;
}

function firstDeployment(environment: Environment, profile: Profile, atMs: number): Deployment {
  return {
    number: (environment.deployments.at(-1)?.number ?? 0) + 1,
    applicationId: profile.applicationId,
    environmentId: environment.id,
    profileId: profile.id,
    profileName: profile.name,
    strategy: immediate,
    version: 1,
    events: [
      { type: 'DEPLOYMENT_COMPLETED', triggeredBy: 'APPCONFIG', description: 'deployed at once', atMs },
    ],
    state: 'COMPLETE',
    percentage: 100,
    startedAtMs: atMs,
    completedAtMs: atMs,
  };
}

const immediate: Strategy = {
  id: 'at-once',
  name: 'at once',
  durationMinutes: 0,
  growthFactor: 100,
  growthType: 'LINEAR',
  bakeMinutes: 0,
};
