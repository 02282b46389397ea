import type { ApiReply, RestCall, RestRoute } from '../api-service.ts';
import { jsonReply } from '../api-service.ts';
import type { AppConfigEngine, ProfileValidator, WireObject } from '../ports.ts';
import { isObject, readInput } from '../wire-input.ts';
import type { AppConfigState, Environment, Profile } from './app-config-state.ts';
import {
  applicationOf,
  badRequest,
  deploymentOf,
  environmentOf,
  profileOf,
  strategyOf,
  versionOf,
} from './app-config-state.ts';
import { toWire, versionReply } from './app-config-wire.ts';
import { validateContent } from './content-validation.ts';
import type { Deployments } from './deployments.ts';
import type { ActionDeps } from './extension-actions.ts';
import { createVersion } from './hosted-versions.ts';

export interface AppConfigApiDeps extends ActionDeps {
  readonly engine: AppConfigEngine;
  readonly deployments: Deployments;
  readonly onMutation: () => void;
}

const environmentPath = '/applications/{application}/environments/{environment}';
const profilePath = '/applications/{application}/configurationprofiles/{profile}';

export function appConfigRoutes(deps: AppConfigApiDeps): readonly RestRoute[] {
  return [
    ...applicationRoutes(deps),
    ...environmentRoutes(deps),
    ...profileRoutes(deps),
    ...versionRoutes(deps),
    ...strategyRoutes(deps),
    ...deploymentRoutes(deps),
    ...extensionRoutes(deps),
    { method: 'GET', pattern: '/tags/{arn}', handle: () => jsonReply({ Tags: {} }) },
  ];
}

function applicationRoutes({ state, engine }: AppConfigApiDeps): readonly RestRoute[] {
  return [
    {
      method: 'POST',
      pattern: '/applications',
      handle(call) {
        const id = engine.ensureApplication(read(call).text('Name'));
        return jsonReply(toWire.application(applicationOf(state, id)), 201);
      },
    },
    {
      method: 'GET',
      pattern: '/applications',
      handle: (call) => paged(call, state.applications.map(toWire.application)),
    },
    {
      method: 'GET',
      pattern: '/applications/{application}',
      handle: (call) => jsonReply(toWire.application(applicationOf(state, call.label('application')))),
    },
  ];
}

function environmentRoutes({ state, engine, onMutation }: AppConfigApiDeps): readonly RestRoute[] {
  const environmentIn = (call: RestCall): Environment => environmentFrom(state, call);
  return [
    {
      method: 'POST',
      pattern: '/applications/{application}/environments',
      handle(call) {
        const application = call.label('application');
        const id = engine.ensureEnvironment(application, read(call).text('Name'), monitorsIn(call));
        return jsonReply(toWire.environment(environmentOf(state, application, id)), 201);
      },
    },
    {
      method: 'GET',
      pattern: '/applications/{application}/environments',
      handle: (call) =>
        paged(call, applicationOf(state, call.label('application')).environments.map(toWire.environment)),
    },
    {
      method: 'GET',
      pattern: environmentPath,
      handle: (call) => jsonReply(toWire.environment(environmentIn(call))),
    },
    {
      method: 'PATCH',
      pattern: environmentPath,
      handle(call) {
        const environment = environmentIn(call);
        environment.monitors =
          call.input()['Monitors'] === undefined ? environment.monitors : monitorsIn(call);
        onMutation();
        return jsonReply(toWire.environment(environment));
      },
    },
  ];
}

function profileRoutes({ state, engine, functions }: AppConfigApiDeps): readonly RestRoute[] {
  return [
    {
      method: 'POST',
      pattern: '/applications/{application}/configurationprofiles',
      handle(call) {
        const application = call.label('application');
        const input = read(call);
        const type = input.optionalText('Type');
        const profile = {
          name: input.text('Name'),
          validators: validatorsIn(call),
          ...(type !== undefined && { type }),
        };
        if (input.text('LocationUri') !== 'hosted') {
          throw badRequest('the local cloud stores hosted configurations only; LocationUri must be hosted');
        }
        const id = engine.ensureProfile(application, profile);
        return jsonReply(toWire.profile(profileOf(state, application, id)), 201);
      },
    },
    {
      method: 'GET',
      pattern: '/applications/{application}/configurationprofiles',
      handle: (call) =>
        paged(call, applicationOf(state, call.label('application')).profiles.map(toWire.profileSummary)),
    },
    {
      method: 'GET',
      pattern: profilePath,
      handle: (call) => jsonReply(toWire.profile(profileFrom(state, call))),
    },
    {
      method: 'POST',
      pattern: `${profilePath}/validators`,
      async handle(call) {
        const profile = profileFrom(state, call);
        const wanted = call.request.query.get('configuration_version') ?? '';
        await validateContent(functions, profile, versionOf(profile, wanted));
        return { status: 204 };
      },
    },
  ];
}

function versionRoutes(deps: AppConfigApiDeps): readonly RestRoute[] {
  const { state } = deps;
  const path = `${profilePath}/hostedconfigurationversions`;
  return [
    {
      method: 'POST',
      pattern: path,
      async handle(call) {
        const profile = profileFrom(state, call);
        const version = await createVersion(deps, profile, call.request);
        return versionReply(profile, version, 201);
      },
    },
    {
      method: 'GET',
      pattern: path,
      handle(call) {
        const profile = profileFrom(state, call);
        const newestFirst = profile.versions.toReversed();
        return paged(
          call,
          newestFirst.map((version) => toWire.versionSummary(profile, version)),
        );
      },
    },
    {
      method: 'GET',
      pattern: `${path}/{version}`,
      handle(call) {
        const profile = profileFrom(state, call);
        return versionReply(profile, versionOf(profile, call.label('version')), 200);
      },
    },
  ];
}

function strategyRoutes({ state, engine }: AppConfigApiDeps): readonly RestRoute[] {
  return [
    {
      method: 'POST',
      pattern: '/deploymentstrategies',
      handle(call) {
        const input = read(call);
        const exponential = input.optionalText('GrowthType') === 'EXPONENTIAL';
        const id = engine.ensureStrategy({
          name: input.text('Name'),
          deploymentDurationMinutes: input.number('DeploymentDurationInMinutes'),
          growthFactor: input.number('GrowthFactor'),
          finalBakeMinutes: input.optionalNumber('FinalBakeTimeInMinutes') ?? 0,
          growthType: exponential ? 'EXPONENTIAL' : 'LINEAR',
        });
        return jsonReply(toWire.strategy(strategyOf(state, id)), 201);
      },
    },
    {
      method: 'GET',
      pattern: '/deploymentstrategies',
      handle: (call) => paged(call, state.strategies.map(toWire.strategy)),
    },
    {
      method: 'GET',
      pattern: '/deploymentstrategies/{strategy}',
      handle: (call) => jsonReply(toWire.strategy(strategyOf(state, call.label('strategy')))),
    },
  ];
}

function deploymentRoutes({ state, deployments }: AppConfigApiDeps): readonly RestRoute[] {
  const path = `${environmentPath}/deployments`;
  return [
    {
      method: 'POST',
      pattern: path,
      async handle(call) {
        const input = read(call);
        const deployment = await deployments.start({
          applicationId: call.label('application'),
          environmentId: call.label('environment'),
          profileId: input.text('ConfigurationProfileId'),
          strategyId: input.text('DeploymentStrategyId'),
          version: input.text('ConfigurationVersion'),
          description: input.optionalText('Description'),
          latestNumber: input.optionalNumber('LatestDeploymentNumber'),
        });
        return jsonReply(toWire.deployment(deployment), 201);
      },
    },
    {
      method: 'GET',
      pattern: path,
      handle: (call) =>
        paged(call, environmentFrom(state, call).deployments.toReversed().map(toWire.deploymentSummary)),
    },
    {
      method: 'GET',
      pattern: `${path}/{number}`,
      handle: (call) =>
        jsonReply(toWire.deployment(deploymentOf(environmentFrom(state, call), call.label('number')))),
    },
    {
      method: 'DELETE',
      pattern: `${path}/{number}`,
      handle(call) {
        const environment = environmentFrom(state, call);
        const deployment = deploymentOf(environment, call.label('number'));
        deployments.stop(environment, deployment, call.request.headers['allow-revert'] === 'true');
        return jsonReply(toWire.deployment(deployment), 202);
      },
    },
  ];
}

function extensionRoutes({ state, engine }: AppConfigApiDeps): readonly RestRoute[] {
  return [
    {
      method: 'POST',
      pattern: '/extensions',
      handle(call) {
        const actions = call.input()['Actions'];
        const id = engine.ensureExtension(read(call).text('Name'), isObject(actions) ? actions : {});
        const extension = state.extensions.find((known) => known.id === id);
        return jsonReply(extension === undefined ? {} : toWire.extension(extension), 201);
      },
    },
    {
      method: 'GET',
      pattern: '/extensions',
      handle: (call) => paged(call, state.extensions.map(toWire.extension)),
    },
    {
      method: 'POST',
      pattern: '/extensionassociations',
      handle(call) {
        const input = read(call);
        const wanted = input.text('ExtensionIdentifier');
        const extension = state.extensions.find((known) => known.id === wanted || known.name === wanted);
        const parameters = call.input()['Parameters'];
        const id = engine.ensureAssociation(
          extension?.id ?? wanted,
          input.text('ResourceIdentifier'),
          isObject(parameters) ? (parameters as Readonly<Record<string, string>>) : {},
        );
        const association = state.associations.find((known) => known.id === id);
        return jsonReply(association === undefined ? {} : toWire.association(association), 201);
      },
    },
    {
      method: 'GET',
      pattern: '/extensionassociations',
      handle: (call) => paged(call, state.associations.map(toWire.association)),
    },
  ];
}

function read(call: RestCall): ReturnType<typeof readInput> {
  return readInput(call.input(), 'BadRequestException');
}

function environmentFrom(state: AppConfigState, call: RestCall): Environment {
  return environmentOf(state, call.label('application'), call.label('environment'));
}

function profileFrom(state: AppConfigState, call: RestCall): Profile {
  return profileOf(state, call.label('application'), call.label('profile'));
}

function monitorsIn(call: RestCall): readonly { readonly AlarmArn: string }[] {
  const monitors = read(call).objects('Monitors');
  if (monitors.length > 5) {
    throw badRequest('an environment takes at most 5 monitors');
  }
  return monitors.map((monitor) => ({
    AlarmArn: readInput(monitor, 'BadRequestException').text('AlarmArn'),
  }));
}

function validatorsIn(call: RestCall): readonly ProfileValidator[] {
  return read(call)
    .objects('Validators')
    .map((validator) => {
      const input = readInput(validator, 'BadRequestException');
      const type = input.text('Type');
      if (type !== 'JSON_SCHEMA' && type !== 'LAMBDA') {
        throw badRequest('a validator is of type JSON_SCHEMA or LAMBDA');
      }
      return { Type: type, Content: input.text('Content') };
    });
}

/** `next_token` is the place of the first item of the page. */
function paged(call: RestCall, items: readonly WireObject[]): ApiReply {
  const from = Number(call.request.query.get('next_token') ?? 0);
  const size = Number(call.request.query.get('max_results') ?? 50);
  const next = from + size;
  return jsonReply({
    Items: items.slice(from, next),
    ...(next < items.length && { NextToken: String(next) }),
  });
}
