import { functionNameOf, localAccount, localRegion } from '../arns.ts';
import { invokeAsync } from '../async-invoke.ts';
import type { AlarmChange, EngineFault, FunctionHost, WireObject } from '../ports.ts';
import type { AlarmDefinition } from './alarm-definition.ts';

export interface AlarmActionDeps {
  readonly functions: FunctionHost;
  readonly onNotification: (topicArn: string, message: string) => void;
  readonly onFault: (fault: EngineFault) => void;
}

export interface PreviousState {
  readonly reason: string;
  readonly atMs: number;
}

/** Starts the actions of a state change; it does not wait for them. */
export function startAlarmActions(
  deps: AlarmActionDeps,
  alarm: AlarmDefinition,
  change: AlarmChange,
  previous: PreviousState,
): void {
  const event = alarmEvent(alarm, change, previous);
  for (const action of actionsFor(alarm.wire, change.to)) {
    startAction(deps, action, event);
  }
}

function startAction(deps: AlarmActionDeps, action: string, event: WireObject): void {
  if (action.startsWith('arn:aws:lambda:')) {
    const call = { functions: deps.functions, functionName: functionNameOf(action), payload: event };
    void invokeAsync(call, { engine: 'cloudwatch', onFault: deps.onFault });
  } else if (action.startsWith('arn:aws:sns:')) {
    deps.onNotification(action, JSON.stringify(event));
  } else {
    deps.onFault({
      engine: 'cloudwatch',
      message: `alarm action ${action} is neither a function nor a topic`,
    });
  }
}

function actionsFor(wire: WireObject, state: AlarmChange['to']): readonly string[] {
  const member = { OK: 'OKActions', ALARM: 'AlarmActions', INSUFFICIENT_DATA: 'InsufficientDataActions' }[
    state
  ];
  const actions = wire[member];
  return Array.isArray(actions)
    ? actions.filter((action): action is string => typeof action === 'string')
    : [];
}

function alarmEvent(alarm: AlarmDefinition, change: AlarmChange, previous: PreviousState): WireObject {
  return {
    source: 'aws.cloudwatch',
    alarmArn: change.alarmArn,
    accountId: localAccount,
    time: eventTime(change.atMs),
    region: localRegion,
    alarmData: {
      alarmName: change.alarmName,
      state: { value: change.to, reason: change.reason, timestamp: eventTime(change.atMs) },
      previousState: { value: change.from, reason: previous.reason, timestamp: eventTime(previous.atMs) },
      configuration: {
        ...(typeof alarm.wire['AlarmDescription'] === 'string' && {
          description: alarm.wire['AlarmDescription'],
        }),
        metrics: alarm.queries.map((query) =>
          query.kind === 'statistic'
            ? {
                id: query.id,
                metricStat: { metric: query.metric, period: query.periodS, stat: query.statistic },
                returnData: query.returned,
              }
            : { id: query.id, expression: wireExpression(alarm.wire, query.id), returnData: query.returned },
        ),
      },
    },
  };
}

function wireExpression(wire: WireObject, id: string): unknown {
  const metrics = Array.isArray(wire['Metrics']) ? (wire['Metrics'] as readonly WireObject[]) : [];
  return metrics.find((metric) => metric['Id'] === id)?.['Expression'];
}

/** Alarm events write the zone as +0000, not as Z. */
function eventTime(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '+0000');
}
