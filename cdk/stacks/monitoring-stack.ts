import { Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

import type { DeployFile } from '../../lib/config/deploy-file.ts';
import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import type { ControlStack } from './control-stack.ts';

export interface MonitoringStackProps extends StackProps {
  readonly names: ResourceNames;
  readonly deploy: DeployFile;
  readonly control: ControlStack;
}

/** Alarms that roll back by themselves, and people to tell. */
export class MonitoringStack extends Stack {
  constructor(scope: Construct, id: string, props: MonitoringStackProps) {
    super(scope, id, props);
  }
}
