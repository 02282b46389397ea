import { DescribeAlarmsCommand, type CloudWatchClient } from '@aws-sdk/client-cloudwatch';

import type { AlarmReader, AlarmStatus } from '../monitoring/ports.ts';

export interface AlarmReaderDeps {
  readonly client: CloudWatchClient;
  /** What the names of the migration's alarms begin with. */
  readonly prefix: string;
}

export function makeAlarmReader({ client, prefix }: AlarmReaderDeps): AlarmReader {
  return {
    async list() {
      const alarms: AlarmStatus[] = [];
      let NextToken: string | undefined;
      do {
        const page = await client.send(
          new DescribeAlarmsCommand({ AlarmNamePrefix: prefix, AlarmTypes: ['MetricAlarm'], NextToken }),
        );
        for (const alarm of page.MetricAlarms ?? []) {
          alarms.push({
            name: alarm.AlarmName ?? '',
            state: alarm.StateValue ?? 'INSUFFICIENT_DATA',
            actionsEnabled: alarm.ActionsEnabled ?? false,
            changedAtMs: alarm.StateUpdatedTimestamp?.getTime() ?? 0,
            reason: alarm.StateReason ?? '',
          });
        }
        NextToken = page.NextToken;
      } while (NextToken !== undefined);
      return alarms;
    },
  };
}
