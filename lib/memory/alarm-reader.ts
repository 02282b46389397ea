import type { AlarmReader, AlarmStatus } from '../monitoring/ports.ts';

/** Alarms whose states a test sets. */
export function makeMemoryAlarmReader(...names: readonly string[]): AlarmReader & {
  set(name: string, change: Partial<AlarmStatus>): void;
} {
  const alarms = new Map<string, AlarmStatus>(
    names.map((name) => [
      name,
      { name, state: 'OK', actionsEnabled: true, changedAtMs: 0, reason: 'initial state' },
    ]),
  );
  return {
    list: async () => [...alarms.values()],
    set(name, change) {
      const alarm = alarms.get(name);
      if (alarm !== undefined) alarms.set(name, { ...alarm, ...change });
    },
  };
}
