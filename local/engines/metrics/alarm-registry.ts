import { ApiFault } from '../api-fault.ts';
import { arnOf, nameInArn } from '../arns.ts';
import type { AlarmChange, AlarmEngine, AlarmStateValue, WireObject } from '../ports.ts';
import type { AlarmActionDeps } from './alarm-actions.ts';
import { startAlarmActions } from './alarm-actions.ts';
import { datapointsOf } from './alarm-datapoints.ts';
import type { AlarmDefinition } from './alarm-definition.ts';
import { readAlarmDefinition } from './alarm-definition.ts';
import { judgeAlarm } from './alarm-state.ts';
import type { MetricStore } from './metric-store.ts';

export interface Alarm {
  readonly arn: string;
  definition: AlarmDefinition;
  state: AlarmStateValue;
  reason: string;
  actionsEnabled: boolean;
  configuredAtMs: number;
  changedAtMs: number;
  resetAtMs: number;
}

/** What of an alarm survives a restart; its samples do not. */
export interface AlarmSnapshot {
  readonly wire: WireObject;
  readonly state: AlarmStateValue;
  readonly reason: string;
  readonly actionsEnabled: boolean;
  readonly changedAtMs: number;
}

export interface AlarmRegistry extends AlarmEngine {
  put(wire: WireObject): void;
  find(name: string): Alarm | undefined;
  all(): readonly Alarm[];
  remove(names: readonly string[]): void;
  setState(name: string, state: AlarmStateValue, reason: string): void;
  setActionsEnabled(names: readonly string[], enabled: boolean): void;
  snapshot(): readonly AlarmSnapshot[];
}

export interface AlarmRegistryDeps extends AlarmActionDeps {
  readonly store: MetricStore;
  readonly timeScale: number;
  readonly minBucketMs: number;
  readonly restored: readonly AlarmSnapshot[];
  /** Called after anything that the snapshot holds has changed. */
  readonly onMutation: () => void;
}

export function makeAlarmRegistry(deps: AlarmRegistryDeps): AlarmRegistry {
  const alarms = new Map<string, Alarm>();
  const listeners: ((change: AlarmChange) => void)[] = [];
  for (const kept of deps.restored) {
    const alarm = restoreAlarm(kept);
    alarms.set(alarm.definition.name, alarm);
  }

  const changeState = (alarm: Alarm, to: AlarmStateValue, reason: string): void => {
    const previous = { reason: alarm.reason, atMs: alarm.changedAtMs };
    const from = alarm.state;
    alarm.reason = reason;
    if (from === to) {
      return;
    }
    const change: AlarmChange = {
      alarmName: alarm.definition.name,
      alarmArn: alarm.arn,
      from,
      to,
      reason,
      atMs: Date.now(),
    };
    alarm.state = to;
    alarm.changedAtMs = change.atMs;
    deps.onMutation();
    for (const listener of listeners) {
      listener(change);
    }
    if (alarm.actionsEnabled) {
      startAlarmActions(deps, alarm.definition, change, previous);
    }
  };
  const put = (wire: WireObject): void => {
    putAlarm(alarms, wire);
    deps.onMutation();
  };
  const named = (name: string): Alarm => {
    const alarm = alarms.get(nameInArn(name));
    if (alarm === undefined) {
      throw new ApiFault('ResourceNotFound', 404, `there is no alarm named ${name}`);
    }
    return alarm;
  };

  return {
    put,
    find: (name) => alarms.get(nameInArn(name)),
    all: () => [...alarms.values()],
    ensureAlarm(wire) {
      const name = String(wire['AlarmName']);
      const known = alarms.get(name);
      if (known === undefined || JSON.stringify(known.definition.wire) !== JSON.stringify(wire)) {
        put(wire);
      }
      return named(name).arn;
    },
    stateOf: (nameOrArn) => alarms.get(nameInArn(nameOrArn))?.state,
    resetWindow(name) {
      const reset = name === 'all' ? [...alarms.values()] : [named(name)];
      for (const alarm of reset) {
        alarm.resetAtMs = Date.now();
      }
    },
    remove(names) {
      for (const name of names) {
        alarms.delete(name);
      }
      deps.onMutation();
    },
    setState(name, state, reason) {
      changeState(named(name), state, reason);
    },
    setActionsEnabled(names, enabled) {
      for (const name of names) {
        const alarm = alarms.get(name);
        if (alarm !== undefined) {
          alarm.actionsEnabled = enabled;
        }
      }
      deps.onMutation();
    },
    onChange: (listener) => void listeners.push(listener),
    evaluate() {
      for (const alarm of alarms.values()) {
        const time = { ...deps, nowMs: Date.now(), resetAtMs: alarm.resetAtMs };
        const points = datapointsOf(deps.store, alarm.definition, time);
        const verdict = judgeAlarm(alarm.definition, points, alarm.state);
        changeState(alarm, verdict.state, verdict.reason);
      }
      return Promise.resolve();
    },
    snapshot: () => [...alarms.values()].map(snapshotOf),
  };
}

function putAlarm(alarms: Map<string, Alarm>, wire: WireObject): void {
  const definition = readAlarmDefinition(wire);
  const actionsEnabled = wire['ActionsEnabled'] !== false;
  const known = alarms.get(definition.name);
  if (known === undefined) {
    alarms.set(definition.name, newAlarm(definition, actionsEnabled));
    return;
  }
  known.definition = definition;
  known.actionsEnabled = actionsEnabled;
  known.configuredAtMs = Date.now();
}

function newAlarm(definition: AlarmDefinition, actionsEnabled: boolean): Alarm {
  return {
    arn: arnOf('cloudwatch', `alarm:${definition.name}`),
    definition,
    state: 'INSUFFICIENT_DATA',
    reason: 'Unchecked: Initial alarm creation',
    actionsEnabled,
    configuredAtMs: Date.now(),
    changedAtMs: Date.now(),
    resetAtMs: 0,
  };
}

function restoreAlarm(kept: AlarmSnapshot): Alarm {
  const { wire, ...state } = kept;
  return { ...newAlarm(readAlarmDefinition(wire), kept.actionsEnabled), ...state };
}

function snapshotOf(alarm: Alarm): AlarmSnapshot {
  return {
    wire: alarm.definition.wire,
    state: alarm.state,
    reason: alarm.reason,
    actionsEnabled: alarm.actionsEnabled,
    changedAtMs: alarm.changedAtMs,
  };
}
