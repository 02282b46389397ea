import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';

import { clientDefaults, type ClientSettings } from './clients.ts';

/** Metrics are small: packing them costs more than it saves, and the local engine takes them as they are. */
export function makeCloudWatchClient(settings?: ClientSettings): CloudWatchClient {
  return new CloudWatchClient({ ...clientDefaults(settings), disableRequestCompression: true });
}
