import { functionNameOf } from '../arns.ts';
import { invokeAsync } from '../async-invoke.ts';
import type { ActionPoint, EngineFault, ExtensionAction, FunctionHost, WireObject } from '../ports.ts';
import type { AppConfigState, Deployment, Environment, Profile } from './app-config-state.ts';
import { appConfigArns, badRequest } from './app-config-state.ts';

export interface ActionDeps {
  readonly state: AppConfigState;
  readonly functions: FunctionHost;
  readonly onFault: (fault: EngineFault) => void;
}

/** What a point of the workflow is about; associations with any of these resources apply. */
export interface ActionTarget {
  readonly profile: Profile;
  readonly environment?: Environment;
}

const typeNames: Readonly<Record<ActionPoint, string>> = {
  PRE_CREATE_HOSTED_CONFIGURATION_VERSION: 'PreCreateHostedConfigurationVersion',
  PRE_START_DEPLOYMENT: 'PreStartDeployment',
  ON_DEPLOYMENT_START: 'OnDeploymentStart',
  ON_DEPLOYMENT_STEP: 'OnDeploymentStep',
  ON_DEPLOYMENT_BAKING: 'OnDeploymentBaking',
  ON_DEPLOYMENT_COMPLETE: 'OnDeploymentComplete',
  ON_DEPLOYMENT_ROLLED_BACK: 'OnDeploymentRolledBack',
};

/** Notifies the functions of an `ON_...` point; it does not wait for them. */
export function notifyActions(
  deps: ActionDeps,
  point: ActionPoint,
  target: ActionTarget,
  deployment: Deployment,
): void {
  for (const { action, parameters } of actionsAt(deps.state, point, target)) {
    const payload: WireObject = {
      ...commonMembers(point, target, parameters),
      DeploymentNumber: deployment.number,
      ConfigurationVersion: String(deployment.version),
      ...(deployment.description !== undefined && { Description: deployment.description }),
    };
    const call = { functions: deps.functions, functionName: functionNameOf(action.Uri), payload };
    void invokeAsync(call, { engine: 'appconfig', onFault: deps.onFault });
  }
}

/** Runs the functions of a `PRE_...` point in turn; throws BadRequestException when one of them refuses. */
export async function runPreActions(
  deps: ActionDeps,
  point: ActionPoint,
  target: ActionTarget,
  members: WireObject,
): Promise<void> {
  for (const { action, parameters } of actionsAt(deps.state, point, target)) {
    const payload = { ...commonMembers(point, target, parameters), ...members };
    const answer = await deps.functions.invoke(functionNameOf(action.Uri), payload);
    if (answer.kind === 'missing') {
      throw badRequest(`extension action ${action.Name}: there is no function ${action.Uri}`);
    }
    if (answer.kind === 'failed') {
      throw badRequest(
        `extension action ${action.Name} refused: ${answer.errorType}: ${answer.errorMessage}`,
      );
    }
  }
}

interface ChosenAction {
  readonly action: ExtensionAction;
  readonly parameters: Readonly<Record<string, string>>;
}

function actionsAt(state: AppConfigState, point: ActionPoint, target: ActionTarget): readonly ChosenAction[] {
  const { profile, environment } = target;
  const resources = new Set([
    appConfigArns.application(profile.applicationId),
    appConfigArns.profile(profile.applicationId, profile.id),
    ...(environment === undefined ? [] : [appConfigArns.environment(profile.applicationId, environment.id)]),
  ]);
  return state.associations
    .filter((association) => resources.has(association.resourceArn))
    .flatMap((association) => {
      const extension = state.extensions.find((known) => known.id === association.extensionId);
      return (extension?.actions[point] ?? []).map((action) => ({
        action,
        parameters: association.parameters,
      }));
    });
}

function commonMembers(
  point: ActionPoint,
  target: ActionTarget,
  parameters: Readonly<Record<string, string>>,
): WireObject {
  return {
    InvocationId: crypto.randomUUID().slice(0, 7),
    Parameters: parameters,
    Type: typeNames[point],
    Application: { Id: target.profile.applicationId },
    ...(target.environment !== undefined && { Environment: { Id: target.environment.id } }),
    ConfigurationProfile: { Id: target.profile.id, Name: target.profile.name },
  };
}
