import { listed, rendered } from './synthesized.ts';
import type { Synthesized } from './synthesized.ts';

export interface Statement {
  readonly stack: string;
  /** Logical id of the policy, for the message of a failure. */
  readonly where: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition: unknown;
}

/** Actions that IAM grants on all resources or not at all. */
export const wildcardsWithoutResources: ReadonlySet<string> = new Set([
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'cloudwatch:PutMetricData',
  'cloudwatch:GetMetricData',
  'cloudwatch:DescribeAlarms',
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
]);

interface RawStatement {
  readonly Effect: string;
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly Condition?: unknown;
}

/** Everything that any policy of the app allows, on roles and on resources. */
export function allowedStatements(app: Synthesized): readonly Statement[] {
  return app.resources.flatMap(({ stack, logicalId, Properties }) =>
    documentsIn(Properties)
      .flatMap(({ Statement }) => Statement)
      .filter(({ Effect }) => Effect === 'Allow')
      .map((statement) => {
        if (statement.NotAction !== undefined) throw new Error(`${logicalId} allows all but some actions`);
        return {
          stack,
          where: `${stack}/${logicalId}`,
          actions: listed(statement.Action).map(String),
          resources: listed(statement.Resource).map(rendered),
          condition: statement.Condition,
        };
      }),
  );
}

interface PolicyDocument {
  readonly Statement: readonly RawStatement[];
}

/** Policy documents at any depth: of policies, of roles, of queues, topics and buckets. */
function documentsIn(value: unknown): PolicyDocument[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray((value as Partial<PolicyDocument>).Statement)) return [value as PolicyDocument];
  return Object.values(value).flatMap(documentsIn);
}
