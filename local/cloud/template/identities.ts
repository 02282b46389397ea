import { arnOf, functionNameOf, globalArnOf } from '../../engines/arns.ts';
import type {
  ActionPoint,
  AppConfigEngine,
  ExtensionAction,
  KeyValueEngine,
  ProfileValidator,
  StreamEngine,
} from '../../engines/ports.ts';
import { HalError } from '../../../lib/kernel/errors.ts';
import { listAt, optionalNumber, optionalText, propertyAt, textAt } from './properties.ts';
import type { ResolvedResource, ResourceIdentity } from './resolve.ts';

export interface IdentityDeps {
  readonly appConfig: AppConfigEngine;
  readonly keyValues: KeyValueEngine;
  readonly streams: StreamEngine;
  /** URL that the queue engine gives a queue of this name. */
  queueUrl(queueName: string): string;
}

type IdentifyOne = (resource: ResolvedResource, deps: IdentityDeps) => ResourceIdentity;

/** Stands for the newest stream of a table until the table engine names it. */
const pendingStreamLabel = 'pending';

/** Physical name: the given one, else the logical id. */
export function nameOf(resource: ResolvedResource, property: string): string {
  return optionalText(resource, property) ?? resource.logicalId;
}

const table: IdentifyOne = (resource) => {
  const name = nameOf(resource, 'TableName');
  const arn = arnOf('dynamodb', `table/${name}`);
  return { ref: name, attributes: { Arn: arn, StreamArn: `${arn}/stream/${pendingStreamLabel}` } };
};

const sharedId: IdentifyOne = (resource) => ({
  ref: resource.logicalId,
  attributes: { Id: resource.logicalId, Arn: globalArnOf('cloudfront', resource.logicalId) },
});

/** How `Ref` and `Fn::GetAtt` answer for every resource type that the local cloud builds. */
const identities: Readonly<Record<string, IdentifyOne>> = {
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::SQS::Queue': (resource, deps) => {
    const name = nameOf(resource, 'QueueName');
    return { ref: deps.queueUrl(name), attributes: { Arn: arnOf('sqs', name), QueueName: name } };
  },
  'AWS::S3::Bucket': (resource) => {
    const name = nameOf(resource, 'BucketName');
    const domain = `${name.toLowerCase()}.s3.amazonaws.com`;
    const attributes = { Arn: `arn:aws:s3:::${name}`, DomainName: domain, RegionalDomainName: domain };
    return { ref: name, attributes };
  },
  'AWS::Kinesis::Stream': (resource, deps) => {
    const name = nameOf(resource, 'Name');
    return { ref: name, attributes: { Arn: deps.streams.ensureStream(name) } };
  },
  'AWS::Lambda::Function': (resource) => {
    const name = nameOf(resource, 'FunctionName');
    return { ref: name, attributes: { Arn: arnOf('lambda', `function:${name}`) } };
  },
  'AWS::Lambda::Version': (resource) => {
    const arn = arnOf('lambda', `function:${functionNameOf(textAt(resource, 'FunctionName'))}:1`);
    return { ref: arn, attributes: { FunctionArn: arn, Version: '1' } };
  },
  'AWS::Lambda::Alias': (resource) => {
    const name = functionNameOf(textAt(resource, 'FunctionName'));
    const arn = arnOf('lambda', `function:${name}:${textAt(resource, 'Name')}`);
    return { ref: arn, attributes: { AliasArn: arn } };
  },
  'AWS::Lambda::EventSourceMapping': sharedId,
  'AWS::Events::Rule': (resource) => {
    const name = nameOf(resource, 'Name');
    return { ref: name, attributes: { Arn: arnOf('events', `rule/${name}`) } };
  },
  'AWS::Scheduler::Schedule': (resource) => {
    const name = nameOf(resource, 'Name');
    return { ref: name, attributes: { Arn: arnOf('scheduler', `schedule/default/${name}`) } };
  },
  'AWS::CloudWatch::Alarm': (resource) => {
    const name = nameOf(resource, 'AlarmName');
    return { ref: name, attributes: { Arn: arnOf('cloudwatch', `alarm:${name}`) } };
  },
  'AWS::StepFunctions::StateMachine': (resource) => {
    const name = nameOf(resource, 'StateMachineName');
    const arn = arnOf('states', `stateMachine:${name}`);
    return { ref: arn, attributes: { Arn: arn, Name: name } };
  },
  'AWS::AppConfig::Application': (resource, { appConfig }) => {
    const id = appConfig.ensureApplication(textAt(resource, 'Name'));
    return { ref: id, attributes: { ApplicationId: id } };
  },
  'AWS::AppConfig::Environment': (resource, { appConfig }) => {
    const monitors = listAt(resource, 'Monitors') as readonly { AlarmArn: string }[];
    const id = appConfig.ensureEnvironment(
      textAt(resource, 'ApplicationId'),
      textAt(resource, 'Name'),
      monitors,
    );
    return { ref: id, attributes: { EnvironmentId: id } };
  },
  'AWS::AppConfig::ConfigurationProfile': (resource, { appConfig }) => {
    const type = optionalText(resource, 'Type');
    const id = appConfig.ensureProfile(textAt(resource, 'ApplicationId'), {
      name: textAt(resource, 'Name'),
      ...(type === undefined ? {} : { type }),
      validators: listAt(resource, 'Validators') as readonly ProfileValidator[],
    });
    return { ref: id, attributes: { ConfigurationProfileId: id } };
  },
  'AWS::AppConfig::DeploymentStrategy': (resource, { appConfig }) => {
    const id = appConfig.ensureStrategy({
      name: textAt(resource, 'Name'),
      deploymentDurationMinutes: optionalNumber(resource, 'DeploymentDurationInMinutes') ?? 0,
      growthFactor: optionalNumber(resource, 'GrowthFactor') ?? 100,
      finalBakeMinutes: optionalNumber(resource, 'FinalBakeTimeInMinutes') ?? 0,
      growthType: optionalText(resource, 'GrowthType') === 'EXPONENTIAL' ? 'EXPONENTIAL' : 'LINEAR',
    });
    return { ref: id, attributes: { Id: id } };
  },
  'AWS::AppConfig::Extension': (resource, { appConfig }) => {
    const actions = propertyAt(resource, 'Actions') as Partial<
      Record<ActionPoint, readonly ExtensionAction[]>
    >;
    const id = appConfig.ensureExtension(textAt(resource, 'Name'), actions);
    return {
      ref: id,
      attributes: { Id: id, Arn: arnOf('appconfig', `extension/${id}/1`), VersionNumber: '1' },
    };
  },
  'AWS::AppConfig::ExtensionAssociation': sharedId,
  'AWS::AppConfig::HostedConfigurationVersion': () => ({ ref: '1', attributes: { VersionNumber: '1' } }),
  'AWS::AppConfig::Deployment': () => ({ ref: '1', attributes: { DeploymentNumber: '1' } }),
  'AWS::CloudFront::KeyValueStore': (resource, { keyValues }) => {
    const name = textAt(resource, 'Name');
    const arn = keyValues.ensureStore(name);
    return {
      ref: name,
      attributes: { Arn: arn, Id: arn.slice(arn.lastIndexOf('/') + 1), Status: 'READY' },
    };
  },
  'AWS::CloudFront::Function': (resource) => {
    const arn = globalArnOf('cloudfront', `function/${nameOf(resource, 'Name')}`);
    return {
      ref: arn,
      attributes: { FunctionARN: arn, 'FunctionMetadata.FunctionARN': arn, Stage: 'LIVE' },
    };
  },
  'AWS::CloudFront::CachePolicy': sharedId,
  'AWS::CloudFront::OriginRequestPolicy': sharedId,
  'AWS::CloudFront::RealtimeLogConfig': (resource) => {
    const arn = globalArnOf('cloudfront', `realtime-log-config/${nameOf(resource, 'Name')}`);
    return { ref: arn, attributes: { Arn: arn } };
  },
  'AWS::CloudFront::Distribution': (resource) => ({
    ref: resource.logicalId,
    attributes: { Id: resource.logicalId, DomainName: `${resource.logicalId.toLowerCase()}.cloudfront.net` },
  }),
};

/** Gives a resource its identity; a type that the local cloud neither builds nor ignores is refused. */
export function identifyResource(resource: ResolvedResource, deps: IdentityDeps): ResourceIdentity {
  const identify = identities[resource.type];
  if (identify !== undefined) return identify(resource, deps);
  throw new HalError({
    name: 'ResourceTypeUnsupported',
    message: `The local cloud does not build ${resource.type} (${resource.stackName}/${resource.logicalId}).`,
    remedy:
      'Build it in local/cloud/template/, or add the type to ignored-types.ts with the reason why it does not matter.',
    exit: 'unavailable',
    facts: { type: resource.type, stack: resource.stackName, logicalId: resource.logicalId },
  });
}
