import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

import type { DeployFile } from '../../lib/config/deploy-file.ts';
import { metricNamespace } from '../../lib/kernel/resource-names.ts';
import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import { alarmDefinitions, alarmName } from '../../lib/monitoring/alarm-definitions.ts';
import { metricNames, systemDimension } from '../../lib/monitoring/metric-names.ts';
import type { MetricName } from '../../lib/monitoring/metric-names.ts';
import { profiles } from '../../lib/orchestrator/profiles.ts';
import { RunbookAlarm } from '../constructs/runbook-alarm.ts';
import { WorkQueue } from '../constructs/work-queue.ts';
import type { ControlStack } from './control-stack.ts';

export interface MonitoringStackProps extends StackProps {
  readonly names: ResourceNames;
  readonly deploy: DeployFile;
  readonly control: ControlStack;
}

/** Alarms that roll back by themselves, people to tell, and a picture of both systems. */
export class MonitoringStack extends Stack {
  constructor(scope: Construct, id: string, props: MonitoringStackProps) {
    super(scope, id, props);
    const { deploy, names, control } = props;
    const oncall = new Topic(this, 'Oncall', { topicName: names.functionName('oncall'), enforceSSL: true });
    const undelivered = new WorkQueue(this, 'Undelivered', {
      queueName: names.functionName('undelivered'),
      visibilityTimeout: Duration.minutes(5),
    });
    for (const address of [deploy.contacts.oncall, deploy.contacts.escalation]) {
      if (address !== undefined)
        oncall.addSubscription(new EmailSubscription(address, { deadLetterQueue: undelivered.queue }));
    }
    const rollBack = this.rollBackByName(names);
    this.addStackDependency(control, 'alarms call the rollback function');
    for (const definition of alarmDefinitions(profiles[deploy.profile], deploy.source.kind)) {
      new RunbookAlarm(this, pascalCase(definition.slug), {
        alarmName: alarmName(deploy.name, definition.slug),
        definition,
        oncall,
        rollBack,
      });
    }
    new Dashboard(this, 'Overview', {
      dashboardName: names.functionName('overview'),
      defaultInterval: Duration.hours(6),
      widgets: [
        [graph('Requests', metricNames.requests, 'Sum'), graph('Errors', metricNames.errors, 'Sum')],
        [
          graph('Latency p99, ms', metricNames.latency, 'p99'),
          graph('Failed checks', metricNames.healthCheckFailed, 'Maximum'),
        ],
      ],
    });
  }

  /** By name, so that the permission to call it belongs to the alarm's stack and no stack waits for the other twice. */
  private rollBackByName(names: ResourceNames): IFunction {
    const functionArn = this.formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: names.functionName('roll-back'),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return LambdaFunction.fromFunctionAttributes(this, 'RollBack', { functionArn, sameEnvironment: true });
  }
}

/** One metric of both systems side by side. */
function graph(title: string, metricName: MetricName, statistic: string): GraphWidget {
  const left = (['flat', 'hierarchical'] as const).map(
    (system) =>
      new Metric({
        namespace: metricNamespace,
        metricName,
        dimensionsMap: { [systemDimension]: system },
        statistic,
        period: Duration.minutes(1),
        label: system,
      }),
  );
  return new GraphWidget({ title, left, width: 12 });
}

function pascalCase(slug: string): string {
  return slug.replace(/(^|-)([a-z0-9])/g, (_match, _dash, letter: string) => letter.toUpperCase());
}
