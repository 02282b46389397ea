import { join } from 'node:path';

import type { SourceConfig } from '../../lib/config/source-config.ts';
import { spawnTraffic } from '../traffic/spawn-traffic.ts';
import type { DataDirectory } from './data-directory.ts';
import type { LocalCloudOptions } from './local-cloud.ts';

const users = 100;
const timeoutMs = 15_000;

/** Users in the background, in a process that ends with this one; null when none are wanted, or flat is only read. */
export async function startBackgroundTraffic(
  ground: { readonly options: LocalCloudOptions; readonly directory: DataDirectory },
  edgeUrl: string,
  source: SourceConfig,
): Promise<{ stop(): Promise<void> } | null> {
  const rate = ground.options.trafficRate ?? 0;
  // Users who write to files would only meet refusals.
  if (rate <= 0 || source.kind === 'jsonl') return null;
  const options = {
    edgeUrl,
    source: JSON.stringify(source),
    historyPath: join(ground.directory.root, `traffic-${Date.now()}.jsonl`),
    rate,
    users,
    seed: ground.options.seed ?? 1,
    timeoutMs,
  };
  const traffic = await spawnTraffic(options, join(ground.directory.logs, 'traffic.log'));
  return {
    async stop() {
      await traffic.stop();
    },
  };
}
