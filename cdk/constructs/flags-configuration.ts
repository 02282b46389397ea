import { Stack } from 'aws-cdk-lib';
import {
  CfnApplication,
  CfnConfigurationProfile,
  CfnDeploymentStrategy,
  CfnEnvironment,
} from 'aws-cdk-lib/aws-appconfig';
import { Construct } from 'constructs';

import { flagsJsonSchema } from '../../lib/flags/json-schema.ts';
import type { ResourceNames } from '../../lib/kernel/resource-names.ts';

/**
 * The flags as one hosted AppConfig document. Percentages are ours, so the only strategy deploys all at once
 * and bakes no time; the guard is the alarms and the judge.
 */
export class FlagsConfiguration extends Construct {
  readonly applicationId: string;
  readonly environmentId: string;
  readonly profileId: string;
  readonly strategyId: string;
  /** Resource of the data plane calls. */
  readonly configurationArn: string;
  /** Resources of the control plane calls. */
  readonly controlArns: readonly string[];
  readonly profileArn: string;
  readonly environmentArn: string;

  constructor(scope: Construct, id: string, names: ResourceNames) {
    super(scope, id);
    const application = new CfnApplication(this, 'Application', {
      name: names.flags.application,
      description: 'Routing flags of the migration',
    });
    const environment = new CfnEnvironment(this, 'Environment', {
      applicationId: application.ref,
      name: names.flags.environment,
    });
    const profile = new CfnConfigurationProfile(this, 'Profile', {
      applicationId: application.ref,
      name: names.flags.profile,
      locationUri: 'hosted',
      validators: [{ type: 'JSON_SCHEMA', content: JSON.stringify(flagsJsonSchema) }],
    });
    const strategy = new CfnDeploymentStrategy(this, 'Immediate', {
      name: names.flags.strategy,
      deploymentDurationInMinutes: 0,
      finalBakeTimeInMinutes: 0,
      growthFactor: 100,
      replicateTo: 'NONE',
    });
    this.applicationId = application.ref;
    this.environmentId = environment.ref;
    this.profileId = profile.ref;
    this.strategyId = strategy.ref;

    const arn = (resourceName: string): string =>
      Stack.of(this).formatArn({ service: 'appconfig', resource: 'application', resourceName });
    this.profileArn = arn(`${application.ref}/configurationprofile/${profile.ref}`);
    this.environmentArn = arn(`${application.ref}/environment/${environment.ref}`);
    this.configurationArn = arn(
      `${application.ref}/environment/${environment.ref}/configuration/${profile.ref}`,
    );
    this.controlArns = [
      arn(application.ref),
      this.environmentArn,
      this.profileArn,
      Stack.of(this).formatArn({
        service: 'appconfig',
        resource: 'deploymentstrategy',
        resourceName: strategy.ref,
      }),
    ];
  }
}
