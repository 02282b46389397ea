import type { TargetOperations } from '../api-service.ts';
import type { AlarmStateValue, WireObject } from '../ports.ts';
import type { InputReader } from '../wire-input.ts';
import { readInput } from '../wire-input.ts';
import type { Alarm, AlarmRegistry } from './alarm-registry.ts';
import { invalidParameter } from './metric-query.ts';

const states: readonly string[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA'];

export function alarmOperations(alarms: AlarmRegistry): TargetOperations {
  return {
    PutMetricAlarm(wire) {
      alarms.put(wire);
    },
    DeleteAlarms(wire) {
      alarms.remove(namesIn(wire));
    },
    EnableAlarmActions(wire) {
      alarms.setActionsEnabled(namesIn(wire), true);
    },
    DisableAlarmActions(wire) {
      alarms.setActionsEnabled(namesIn(wire), false);
    },
    SetAlarmState(wire) {
      const input = readInput(wire, 'InvalidParameterValueException');
      const state = input.text('StateValue');
      if (!states.includes(state)) {
        throw invalidParameter(`StateValue must be one of ${states.join(', ')}`);
      }
      alarms.setState(input.text('AlarmName'), state as AlarmStateValue, input.text('StateReason'));
    },
    DescribeAlarms(wire) {
      const input = readInput(wire, 'InvalidParameterValueException');
      return { MetricAlarms: alarms.all().filter(chosenBy(input)).map(describe), CompositeAlarms: [] };
    },
  };
}

function namesIn(wire: WireObject): readonly string[] {
  return readInput(wire, 'InvalidParameterValueException').texts('AlarmNames');
}

function chosenBy(input: InputReader): (alarm: Alarm) => boolean {
  const names = input.texts('AlarmNames');
  const prefix = input.optionalText('AlarmNamePrefix') ?? '';
  const state = input.optionalText('StateValue');
  const actionPrefix = input.optionalText('ActionPrefix') ?? '';
  return (alarm) => {
    const { name, wire } = alarm.definition;
    const named = names.length === 0 || names.includes(name);
    return (
      named &&
      name.startsWith(prefix) &&
      (state ?? alarm.state) === alarm.state &&
      hasAction(wire, actionPrefix)
    );
  };
}

function hasAction(wire: WireObject, prefix: string): boolean {
  const actions = ['OKActions', 'AlarmActions', 'InsufficientDataActions'].flatMap(
    (member) => wire[member] ?? [],
  );
  return prefix === '' || actions.some((action) => typeof action === 'string' && action.startsWith(prefix));
}

function describe(alarm: Alarm): WireObject {
  return {
    OKActions: [],
    AlarmActions: [],
    InsufficientDataActions: [],
    ...alarm.definition.wire,
    AlarmArn: alarm.arn,
    ActionsEnabled: alarm.actionsEnabled,
    StateValue: alarm.state,
    StateReason: alarm.reason,
    StateUpdatedTimestamp: alarm.changedAtMs / 1000,
    StateTransitionedTimestamp: alarm.changedAtMs / 1000,
    AlarmConfigurationUpdatedTimestamp: alarm.configuredAtMs / 1000,
  };
}
