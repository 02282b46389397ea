import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';

import type { PostgresConfig } from '../../lib/config/source-config.ts';
import { acknowledgeWildcard } from '../checks/acknowledge.ts';

/** The network of the source's database, which exists already and is not ours to describe. */
export type SourceNetwork = NonNullable<PostgresConfig['network']>;

/**
 * Puts a function into the network. Its subnets need a way to DynamoDB, SQS, S3, CloudWatch and Secrets Manager:
 * endpoints in the network, or a NAT gateway.
 */
export function joinNetwork(fn: CfnFunction, role: Role, network: SourceNetwork): void {
  fn.vpcConfig = {
    subnetIds: [...network.subnetIds],
    securityGroupIds: [...network.securityGroupIds],
  };
  fn.node.addDependency(role);
  allowNetworkInterfaces(role);
}

/** Lambda puts its network interfaces into the network in the name of the function's role. */
function allowNetworkInterfaces(role: Role): void {
  acknowledgeWildcard(
    role,
    '*',
    'Network interfaces of Lambda have no names before they are made, and are listed and deleted without.',
  );
  role.addToPolicy(
    new PolicyStatement({
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
    }),
  );
}
