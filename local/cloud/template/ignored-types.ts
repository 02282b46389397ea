/**
 * Resource types of the templates that do nothing in the local cloud, each with the reason. A type that is neither
 * here nor built makes the start fail, so that nothing of the templates is dropped in silence.
 */
const ignoredTypes: Readonly<Record<string, string>> = {
  'AWS::ApplicationSignals::ServiceLevelObjective': 'observes, never acts',
  'AWS::CDK::Metadata': 'describes the synthesis, not the system',
  'AWS::CertificateManager::Certificate': 'the local edge speaks plain HTTP on the loopback',
  'AWS::CloudFormation::CustomResource': 'runs at deployment, and there is none',
  'AWS::CloudFront::CloudFrontOriginAccessIdentity': 'access is not checked locally',
  'AWS::CloudFront::OriginAccessControl': 'access is not checked locally',
  'AWS::CloudWatch::Dashboard': 'shows, never acts',
  'AWS::IAM::ManagedPolicy': 'only the actions that functions may take are checked locally',
  'AWS::IAM::Policy': 'only the actions that functions may take are checked locally',
  'AWS::IAM::Role': 'only the actions that functions may take are checked locally',
  'AWS::KMS::Alias': 'data at rest is not encrypted locally',
  'AWS::KMS::Key': 'data at rest is not encrypted locally',
  'AWS::Kinesis::ResourcePolicy': 'access is not checked locally',
  'AWS::Lambda::Permission': 'access is not checked locally',
  'AWS::Logs::LogGroup': 'logs go to files in the data directory',
  'AWS::Logs::MetricFilter': 'nothing of the product acts on metrics from logs',
  'AWS::Logs::ResourcePolicy': 'access is not checked locally',
  'AWS::Route53::RecordSet': 'the local edge has no public name',
  'AWS::S3::BucketPolicy': 'access is not checked locally',
  'AWS::SNS::Subscription': 'nobody is mailed from a local run',
  'AWS::SNS::Topic': 'notifications are written to the log of the cloud',
  'AWS::SNS::TopicPolicy': 'access is not checked locally',
  'AWS::SQS::QueuePolicy': 'access is not checked locally',
  'AWS::SSM::Parameter': 'carries values between stacks, which are resolved directly',
  'AWS::WAFv2::WebACL': 'the local edge is reached from this machine only',
};

/** Custom resources run at deployment only. */
export function isIgnoredType(type: string): boolean {
  return type.startsWith('Custom::') || Object.hasOwn(ignoredTypes, type);
}
