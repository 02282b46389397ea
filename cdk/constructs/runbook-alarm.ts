import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { LambdaAction, SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { metricNamespace } from '../../lib/kernel/resource-names.ts';
import type { AlarmDefinition, AlarmMetric } from '../../lib/monitoring/alarm-definitions.ts';
import { systemDimension } from '../../lib/monitoring/metric-names.ts';
import { projectRoot } from '../project-root.ts';

export interface RunbookAlarmProps {
  readonly alarmName: string;
  readonly definition: AlarmDefinition;
  readonly oncall: ITopic;
  readonly rollBack: IFunction;
}

const comparisons = {
  GreaterThanThreshold: ComparisonOperator.GREATER_THAN_THRESHOLD,
  GreaterThanOrEqualToThreshold: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
} as const;

const missingData = {
  notBreaching: TreatMissingData.NOT_BREACHING,
  breaching: TreatMissingData.BREACHING,
  missing: TreatMissingData.MISSING,
} as const;

/** An alarm that cannot exist without a runbook; the critical ones of the new system roll back by themselves. */
export class RunbookAlarm extends Construct {
  constructor(scope: Construct, id: string, props: RunbookAlarmProps) {
    super(scope, id);
    const { definition } = props;
    const runbook = `docs/runbooks/${definition.runbook}.md`;
    if (!existsSync(join(projectRoot, runbook)))
      throw new Error(`alarm ${definition.slug} has no runbook ${runbook}`);
    const period = Duration.seconds(definition.periodSeconds);
    // The permission to call the rollback is named after this id, on a function that several alarms call.
    const alarm = new Alarm(this, `${id}Alarm`, {
      alarmName: props.alarmName,
      alarmDescription: `${definition.description} Runbook: ${runbook}`,
      metric: new MathExpression({
        expression: definition.expression.text,
        label: definition.expression.label,
        period,
        usingMetrics: Object.fromEntries(
          definition.metrics.map((metric) => [metric.id, systemMetric(metric, period)]),
        ),
      }),
      comparisonOperator: comparisons[definition.comparison],
      threshold: definition.threshold,
      evaluationPeriods: definition.evaluationPeriods,
      datapointsToAlarm: definition.datapointsToAlarm,
      treatMissingData: missingData[definition.treatMissingData],
    });
    alarm.addAlarmAction(new SnsAction(props.oncall));
    alarm.addOkAction(new SnsAction(props.oncall));
    if (definition.rollsBack) alarm.addAlarmAction(new LambdaAction(props.rollBack));
  }
}

function systemMetric({ metric, system, statistic }: AlarmMetric, period: Duration): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metric,
    dimensionsMap: { [systemDimension]: system },
    statistic,
    period,
  });
}
