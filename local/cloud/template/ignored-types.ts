/**
 * Resource types of the templates that do nothing in the local cloud, each with the reason. A type that is neither
 * here nor built makes the start fail, so that nothing of the templates is dropped in silence.
 */
const ignoredTypes: Readonly<Record<string, string>> = {
  'AWS::ApplicationSignals::ServiceLevelObjective': 'observes, never acts',
  'AWS::CDK::Metadata': 'describes the synthesis, not the system',
  'AWS::CertificateManager::Certificate': 'the local edge speaks plain HTTP on the loopback',
  'AWS::CloudFormation::CustomResource': 'runs at deployment, and there is none',
  'AWS::CloudFront::CloudFrontOriginAccessIdentity': 'only whose function may call what is read of it',
  'AWS::CloudFront::OriginAccessControl': 'only whose function may call what is read of it',
  'AWS::CloudWatch::Dashboard': 'shows, never acts',
  'AWS::IAM::ManagedPolicy': 'only whose function may call what is read of it',
  'AWS::IAM::Policy': 'only whose function may call what is read of it',
  'AWS::IAM::Role': 'only whose function may call what is read of it',
  'AWS::KMS::Alias': 'data at rest is not encrypted locally',
  'AWS::KMS::Key': 'data at rest is not encrypted locally',
  'AWS::Kinesis::ResourcePolicy': 'only whose function may call what is read of it',
  'AWS::Lambda::Permission': 'only whose function may call what is read of it',
  'AWS::Logs::LogGroup': 'logs go to files in the data directory',
  'AWS::Logs::MetricFilter': 'nothing of the product acts on metrics from logs',
  'AWS::Logs::ResourcePolicy': 'only whose function may call what is read of it',
  'AWS::Route53::RecordSet': 'the local edge has no public name',
  'AWS::S3::Bucket': 'holds access logs only, and the local edge reports requests by outcome records',
  'AWS::S3::BucketPolicy': 'only whose function may call what is read of it',
  'AWS::SNS::Subscription': 'nobody is mailed from a local run',
  'AWS::SNS::Topic': 'notifications are written to the log of the cloud',
  'AWS::SNS::TopicPolicy': 'only whose function may call what is read of it',
  'AWS::SQS::QueuePolicy': 'only whose function may call what is read of it',
  'AWS::SSM::Parameter': 'carries values between stacks, which are resolved directly',
  'AWS::WAFv2::WebACL': 'the local edge is reached from this machine only',
};

/** Custom resources run at deployment only. */
export function isIgnoredType(type: string): boolean {
  return type.startsWith('Custom::') || Object.hasOwn(ignoredTypes, type);
}
