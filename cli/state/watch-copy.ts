import type { Category } from '../../lib/migration/category.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import type { Connection } from '../connection.ts';
import { untilInterrupted } from '../interrupt.ts';
import { liveLines } from '../output/live-lines.ts';
import { copyLine } from '../output/state-views.ts';
import { copyRate } from './copy-rate.ts';
import { migrateState, type MigrateStateResult } from './migrate-state.ts';

/** Starts the copy or goes on with it, and shows it until it is complete. Ctrl-C ends the watching only. */
export async function watchCopy(
  invoker: FunctionInvoker,
  connection: Connection,
  request: {
    readonly categories: readonly Category[];
    readonly definition: MigrationDefinition;
    readonly timeoutMs: number | null;
    readonly json: boolean;
  },
): Promise<MigrateStateResult> {
  const lines = liveLines({ quiet: request.json });
  const rate = copyRate();
  const goesOn = {
    what: 'The copy',
    watch: 'hal9-migrate state progress --watch',
    stop: 'hal9-migrate state-migration --stop',
  };
  const result = await untilInterrupted(goesOn, (signal) =>
    migrateState(invoker, {
      ...request,
      region: connection.region,
      workers: connection.deploy.workers.migrateConcurrency,
      signal,
      onProgress: (progress) => {
        if (!signal.aborted) lines.update([copyLine(progress, rate(progress, performance.now()))]);
      },
    }),
  );
  lines.done();
  return result;
}
