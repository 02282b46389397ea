import type { ApiReply } from '../api-service.ts';
import { arnOf } from '../arns.ts';
import type { WireObject } from '../ports.ts';
import type {
  Application,
  Association,
  Deployment,
  Environment,
  Extension,
  HostedVersion,
  Profile,
  Strategy,
} from './app-config-state.ts';
import { isUnderWay } from './app-config-state.ts';

/** How AppConfig's API spells what it knows. */
export const toWire = {
  application: (application: Application): WireObject => ({ Id: application.id, Name: application.name }),
  environment: (environment: Environment): WireObject => ({
    ApplicationId: environment.applicationId,
    Id: environment.id,
    Name: environment.name,
    State: environmentState(environment),
    Monitors: environment.monitors,
  }),
  profile: (profile: Profile): WireObject => ({
    ApplicationId: profile.applicationId,
    Id: profile.id,
    Name: profile.name,
    LocationUri: 'hosted',
    Type: profile.type,
    Validators: profile.validators,
  }),
  profileSummary: (profile: Profile): WireObject => ({
    ApplicationId: profile.applicationId,
    Id: profile.id,
    Name: profile.name,
    LocationUri: 'hosted',
    Type: profile.type,
    ValidatorTypes: profile.validators.map((validator) => validator.Type),
  }),
  strategy: (strategy: Strategy): WireObject => ({
    Id: strategy.id,
    Name: strategy.name,
    Description: strategy.description,
    ...strategyMembers(strategy),
    ReplicateTo: 'NONE',
  }),
  deployment: (deployment: Deployment): WireObject => ({
    ApplicationId: deployment.applicationId,
    EnvironmentId: deployment.environmentId,
    DeploymentStrategyId: deployment.strategy.id,
    ConfigurationLocationUri: 'hosted',
    Description: deployment.description,
    EventLog: deployment.events.map((event) => ({
      EventType: event.type,
      TriggeredBy: event.triggeredBy,
      Description: event.description,
      OccurredAt: new Date(event.atMs).toISOString(),
    })),
    ...toWire.deploymentSummary(deployment),
  }),
  deploymentSummary: (deployment: Deployment): WireObject => ({
    DeploymentNumber: deployment.number,
    ConfigurationProfileId: deployment.profileId,
    ConfigurationName: deployment.profileName,
    ConfigurationVersion: String(deployment.version),
    VersionLabel: deployment.versionLabel,
    ...strategyMembers(deployment.strategy),
    State: deployment.state,
    PercentageComplete: deployment.percentage,
    StartedAt: new Date(deployment.startedAtMs).toISOString(),
    ...(deployment.completedAtMs !== undefined && {
      CompletedAt: new Date(deployment.completedAtMs).toISOString(),
    }),
  }),
  versionSummary: (profile: Profile, version: HostedVersion): WireObject => ({
    ApplicationId: profile.applicationId,
    ConfigurationProfileId: profile.id,
    VersionNumber: version.number,
    Description: version.description,
    ContentType: version.contentType,
    VersionLabel: version.label,
  }),
  extension: (extension: Extension): WireObject => ({
    Id: extension.id,
    Name: extension.name,
    VersionNumber: 1,
    Arn: arnOf('appconfig', `extension/${extension.id}/1`),
    Actions: extension.actions,
  }),
  association: (association: Association): WireObject => ({
    Id: association.id,
    ExtensionArn: arnOf('appconfig', `extension/${association.extensionId}/1`),
    ResourceArn: association.resourceArn,
    Arn: arnOf('appconfig', `extensionassociation/${association.id}`),
    Parameters: association.parameters,
    ExtensionVersionNumber: 1,
  }),
};

/** A hosted version answers with its content as the body and everything else in headers. */
export function versionReply(profile: Profile, version: HostedVersion, status: number): ApiReply {
  return {
    status,
    headers: {
      'application-id': profile.applicationId,
      'configuration-profile-id': profile.id,
      'version-number': String(version.number),
      'content-type': version.contentType,
      ...(version.description !== undefined && { description: version.description }),
      ...(version.label !== undefined && { versionlabel: version.label }),
    },
    body: Buffer.from(version.contentBase64, 'base64'),
  };
}

function strategyMembers(strategy: Strategy): WireObject {
  return {
    DeploymentDurationInMinutes: strategy.durationMinutes,
    GrowthType: strategy.growthType,
    GrowthFactor: strategy.growthFactor,
    FinalBakeTimeInMinutes: strategy.bakeMinutes,
  };
}

function environmentState(environment: Environment): string {
  const latest = environment.deployments.at(-1);
  if (latest === undefined) {
    return 'READY_FOR_DEPLOYMENT';
  }
  if (isUnderWay(latest)) {
    return 'DEPLOYING';
  }
  return latest.state === 'COMPLETE' ? 'READY_FOR_DEPLOYMENT' : latest.state;
}
