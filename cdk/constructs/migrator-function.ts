import { RemovalPolicy } from 'aws-cdk-lib';
import type { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';

import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import { bundledCode } from '../bundle-function.ts';
import { acknowledgeWildcard } from '../checks/acknowledge.ts';
import { migrationFileContext } from '../migration-file.ts';
import { joinNetwork, type SourceNetwork } from './source-network.ts';

export interface MigratorFunctionProps {
  /** Folder under `functions/`; also the function's name. */
  readonly folder: string;
  readonly names: ResourceNames;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeout: Duration;
  readonly memoryMb?: number;
  /** Where its source is, when that has a network of its own. */
  readonly network?: SourceNetwork;
  /** Where events go that failed in every asynchronous attempt. */
  readonly deadLetters: Queue;
}

/** The authorities that sign the certificates of Amazon's databases, as the runtime carries them. */
const databaseAuthorities = { NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem' };

/** A Lambda function with our defaults: Node 24 on arm64, own role, kept logs, tracing, dead letters. */
export class MigratorFunction extends Construct {
  readonly fn: NodejsFunction;
  readonly role: Role;
  readonly opensSource: boolean;

  constructor(scope: Construct, id: string, props: MigratorFunctionProps) {
    super(scope, id);
    this.opensSource = props.environment['SOURCE'] !== undefined;
    const functionName = props.names.functionName(props.folder);
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(this.role);
    acknowledgeWildcard(
      this.role,
      '*',
      'X-Ray segments and CloudWatch metrics know no resources (writing is limited by namespace); alarms are only listed.',
    );
    this.fn = new NodejsFunction(this, 'Function', {
      functionName,
      code: bundledCode(props.folder, {
        target: 'node24',
        // The SDK is bundled, so that the version tested is the version deployed.
        mainFields: ['module', 'main'],
        alias: migrationAlias(this),
        banner: {
          js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
        },
      }),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMb ?? 512,
      timeout: props.timeout,
      role: this.role,
      logGroup,
      tracing: Tracing.ACTIVE,
      deadLetterQueue: props.deadLetters,
      environment: { ...props.environment, ...(props.network === undefined ? {} : databaseAuthorities) },
    });
    if (props.network !== undefined) {
      joinNetwork(this.fn.node.defaultChild as CfnFunction, this.role, props.network);
    }
  }
}

/** The functions import their definition as `hal9-migration`: the built-in one, unless the deployment has its own. */
export function migrationAlias(scope: IConstruct): Record<string, string> {
  const file: unknown = scope.node.tryGetContext(migrationFileContext);
  return typeof file === 'string' ? { 'hal9-migration': file } : {};
}
