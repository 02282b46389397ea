import {
  CfnDeployment,
  CfnExtension,
  CfnExtensionAssociation,
  CfnHostedConfigurationVersion,
} from 'aws-cdk-lib/aws-appconfig';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import { defaultFlagsDocument } from '../../lib/flags/document.ts';
import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import type { FlagsConfiguration } from './flags-configuration.ts';

export interface FlagsExtensionProps {
  readonly names: ResourceNames;
  readonly flags: FlagsConfiguration;
  readonly publishRoutes: IFunction;
}

const actionPoints = [
  'ON_DEPLOYMENT_START',
  'ON_DEPLOYMENT_STEP',
  'ON_DEPLOYMENT_BAKING',
  'ON_DEPLOYMENT_COMPLETE',
  'ON_DEPLOYMENT_ROLLED_BACK',
];

/** Copies the routes to the edge whenever a deployment of the flags moves; the first document is all off. */
export class FlagsExtension extends Construct {
  constructor(scope: Construct, id: string, props: FlagsExtensionProps) {
    super(scope, id);
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('appconfig.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [props.publishRoutes.functionArn],
      }),
    );
    const action = { Name: 'publish-routes', Uri: props.publishRoutes.functionArn, RoleArn: role.roleArn };
    const extension = new CfnExtension(this, 'Extension', {
      name: props.names.functionName('publish-routes'),
      actions: Object.fromEntries(actionPoints.map((point) => [point, [action]])),
    });
    const association = new CfnExtensionAssociation(this, 'Association', {
      extensionIdentifier: extension.attrId,
      resourceIdentifier: props.flags.environmentArn,
    });
    const version = new CfnHostedConfigurationVersion(this, 'AllOff', {
      applicationId: props.flags.applicationId,
      configurationProfileId: props.flags.profileId,
      contentType: 'application/json',
      content: JSON.stringify(defaultFlagsDocument),
    });
    const deployment = new CfnDeployment(this, 'FirstDeployment', {
      applicationId: props.flags.applicationId,
      environmentId: props.flags.environmentId,
      configurationProfileId: props.flags.profileId,
      configurationVersion: version.ref,
      deploymentStrategyId: props.flags.strategyId,
    });
    deployment.node.addDependency(association);
  }
}
