import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  Endpoint,
  Function as EdgeScript,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HttpVersion,
  LambdaEdgeEventType,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  RealtimeLogConfig,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import type { KeyValueStore } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { CompositePrincipal, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

import type { DeployFile, OriginConfig } from '../../lib/config/deploy-file.ts';
import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import { outcomeLogFields } from '../../lib/router/outcome-record.ts';
import { cohortHeader } from '../../lib/router/subject.ts';
import { acknowledge, acknowledgeWildcard } from '../checks/acknowledge.ts';
import { bundleAssignCohort } from '../bundle-edge.ts';
import { bundledCode } from '../bundle-function.ts';
import type { FlagsConfiguration } from '../constructs/flags-configuration.ts';

export interface EdgeStackProps extends StackProps {
  readonly names: ResourceNames;
  readonly deploy: DeployFile;
  readonly flags: FlagsConfiguration;
  readonly routes: KeyValueStore;
}

/** The distribution in front of both systems. Lives in us-east-1, as Lambda@Edge demands. */
export class EdgeStack extends Stack {
  readonly distribution: Distribution;

  constructor(scope: Construct, id: string, props: EdgeStackProps) {
    super(scope, id, props);
    const assignCohort = new EdgeScript(this, 'AssignCohort', {
      functionName: props.names.functionName('assign-cohort'),
      runtime: FunctionRuntime.JS_2_0,
      code: FunctionCode.fromInline(bundleAssignCohort()),
      keyValueStore: props.routes,
      comment: 'Strips x-hal9-*, assigns the cohort',
    });
    const routeRequest = this.routeRequest(props);
    this.distribution = new Distribution(this, 'Distribution', {
      comment: `${props.deploy.name}: one door to the flat and the hierarchical system`,
      httpVersion: HttpVersion.HTTP2_AND_3,
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      enableLogging: true,
      logBucket: this.logBucket(),
      ...this.publicNames(props.deploy),
      defaultBehavior: {
        origin: flatOrigin(props.deploy.origins.flat),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_ALL,
        cachePolicy: this.cohortCachePolicy(props.names),
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        realtimeLogConfig: this.outcomeLog(props),
        functionAssociations: [{ eventType: FunctionEventType.VIEWER_REQUEST, function: assignCohort }],
        edgeLambdas: [
          { eventType: LambdaEdgeEventType.ORIGIN_REQUEST, functionVersion: routeRequest.currentVersion },
        ],
      },
    });
    acknowledgeDoor(this.distribution, props.deploy);
  }

  private publicNames(deploy: DeployFile): object {
    if (deploy.domain === undefined) return {};
    return {
      domainNames: deploy.domain.names,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', deploy.domain.certificateArn),
    };
  }

  private cohortCachePolicy(names: ResourceNames): CachePolicy {
    return new CachePolicy(this, 'CohortCache', {
      cachePolicyName: names.functionName('cohort'),
      comment: 'Only what the origin allows is cached, and never across cohorts',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(0),
      maxTtl: Duration.days(1),
      headerBehavior: CacheHeaderBehavior.allowList(cohortHeader, 'Authorization'),
      cookieBehavior: CacheCookieBehavior.all(),
      queryStringBehavior: CacheQueryStringBehavior.all(),
    });
  }

  private outcomeLog(props: EdgeStackProps): RealtimeLogConfig {
    const stream = Stream.fromStreamAttributes(this, 'Outcomes', {
      streamArn: this.formatArn({
        service: 'kinesis',
        region: props.deploy.region,
        resource: 'stream',
        resourceName: props.names.outcomeStream,
      }),
    });
    const role = new Role(this, 'OutcomeLogRole', {
      assumedBy: new ServicePrincipal('cloudfront.amazonaws.com'),
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: [
          'kinesis:DescribeStreamSummary',
          'kinesis:DescribeStream',
          'kinesis:PutRecord',
          'kinesis:PutRecords',
        ],
        resources: [stream.streamArn],
      }),
    );
    return new RealtimeLogConfig(this, 'OutcomeLog', {
      realtimeLogConfigName: props.names.functionName('outcomes'),
      samplingRate: 100,
      fields: [...outcomeLogFields],
      endPoints: [Endpoint.fromKinesisStream(stream, role)],
    });
  }

  private logBucket(): Bucket {
    const bucket = new Bucket(this, 'AccessLogs', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      versioned: true,
      // CloudFront's standard logs are delivered by ACL.
      objectOwnership: ObjectOwnership.OBJECT_WRITER,
      lifecycleRules: [{ expiration: Duration.days(90), noncurrentVersionExpiration: Duration.days(7) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(bucket, 'AwsSolutions-S1', 'This bucket holds access logs itself.');
    return bucket;
  }

  private routeRequest(props: EdgeStackProps): NodejsFunction {
    const functionName = props.names.functionName('route-request');
    const role = new Role(this, 'RouteRequestRole', {
      assumedBy: new CompositePrincipal(
        new ServicePrincipal('lambda.amazonaws.com'),
        new ServicePrincipal('edgelambda.amazonaws.com'),
      ),
    });
    const logGroupArns = `arn:${this.partition}:logs:*:${this.account}:log-group:/aws/lambda/us-east-1.${functionName}:*`;
    acknowledgeWildcard(role, logGroupArns, 'An edge function logs in whatever Region ran it.');
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
        // Logs of an edge function are written in whatever Region ran it.
        resources: [logGroupArns],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: ['appconfig:StartConfigurationSession', 'appconfig:GetLatestConfiguration'],
        resources: [props.flags.configurationArn],
      }),
    );
    const fn = new NodejsFunction(this, 'RouteRequest', {
      functionName,
      code: bundledCode('route-request', {
        target: 'node22',
        // The runtime carries the SDK; the package stays small for every edge that loads it.
        external: ['@aws-sdk/*'],
        define: { HAL9_EDGE_CONFIG: JSON.stringify(edgeConfig(props)) },
      }),
      handler: 'index.handler',
      // Lambda@Edge: x86_64 only, no environment, at most 30 s at the origin events.
      runtime: Runtime.NODEJS_22_X,
      architecture: Architecture.X86_64,
      memorySize: 256,
      timeout: Duration.seconds(5),
      role,
    });
    acknowledgeEdgeLimits(fn);
    return fn;
  }
}

/** Findings that ask for what Lambda@Edge does not offer. */
function acknowledgeEdgeLimits(fn: NodejsFunction): void {
  const runtime = 'Node 22 is the newest runtime known to be accepted at the edge.';
  acknowledge(fn, 'AwsSolutions-L1', runtime);
  acknowledge(fn, 'Serverless-LambdaLatestVersion', runtime);
  acknowledge(fn, 'Serverless-LambdaDLQ', 'Lambda@Edge is invoked synchronously and allows no dead letters.');
  acknowledge(fn, 'Serverless-LambdaTracing', 'Lambda@Edge allows no X-Ray tracing.');
}

/** Findings that are the owner's decision about their public door, not the migration's. */
function acknowledgeDoor(distribution: Distribution, { domain, origins }: DeployFile): void {
  acknowledge(distribution, 'AwsSolutions-CFR1', 'The migration must not change who may reach the system.');
  acknowledge(distribution, 'AwsSolutions-CFR2', 'A web ACL of the existing door is attached by its owner.');
  if (origins.flat.protocol === 'http') {
    const plain = 'The deploy file says that the flat origin speaks plain HTTP: there is no TLS to choose.';
    acknowledge(distribution, 'AwsSolutions-CFR5', plain);
  }
  if (domain !== undefined) return;
  const fixed = 'Without a domain the default certificate applies, whose security policy is fixed.';
  acknowledge(distribution, 'AwsSolutions-CFR4', fixed);
  acknowledge(distribution, '@aws-cdk/aws-cloudfront:minimumProtocolVersionWithoutCertificate', fixed);
}

/** What an edge function would read from its environment, if it had one. */
function edgeConfig({ names, deploy }: EdgeStackProps): object {
  return {
    appConfig: {
      application: names.flags.application,
      environment: names.flags.environment,
      profile: names.flags.profile,
      region: deploy.region,
    },
    origins: deploy.origins,
  };
}

function flatOrigin(origin: OriginConfig): HttpOrigin {
  const https = origin.protocol === 'https';
  return new HttpOrigin(origin.domainName, {
    protocolPolicy: https ? OriginProtocolPolicy.HTTPS_ONLY : OriginProtocolPolicy.HTTP_ONLY,
    originSslProtocols: [OriginSslPolicy.TLS_V1_2],
    ...(https ? { httpsPort: origin.port } : { httpPort: origin.port }),
    readTimeout: Duration.seconds(30),
    connectionAttempts: 2,
    connectionTimeout: Duration.seconds(3),
  });
}
