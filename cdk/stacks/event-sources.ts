import { Duration } from 'aws-cdk-lib';
import { FilterCriteria, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import {
  DynamoEventSource,
  KinesisEventSource,
  SqsDlq,
  SqsEventSource,
} from 'aws-cdk-lib/aws-lambda-event-sources';

import type { DeployFile } from '../../lib/config/deploy-file.ts';
import { acknowledge } from '../checks/acknowledge.ts';
import type { MigratorFunction } from '../constructs/migrator-function.ts';
import type { WorkQueue } from '../constructs/work-queue.ts';
import type { FunctionFolder } from './function-environments.ts';
import type { StateStack } from './state-stack.ts';

export interface EventSourcesProps {
  readonly functions: ReadonlyMap<FunctionFolder, MigratorFunction>;
  readonly state: StateStack;
  readonly deploy: DeployFile;
}

/** Records of the state table that the hierarchical side wrote. */
const fromHierarchical = FilterCriteria.filter({
  dynamodb: { NewImage: { origin: { S: ['hierarchical'] } } },
});

/** Which queue or stream wakes which function. Failed records are reported one by one, so the rest is not repeated. */
export function wireEventSources({ functions, state, deploy }: EventSourcesProps): void {
  const consume = (
    folder: FunctionFolder,
    queue: WorkQueue,
    batchSize: number,
    maxConcurrency: number,
  ): void => {
    const fn = functions.get(folder)?.fn;
    fn?.addEventSource(
      new SqsEventSource(queue.queue, { batchSize, maxConcurrency, reportBatchItemFailures: true }),
    );
    if (fn === undefined) return;
    acknowledge(
      fn,
      'Serverless-LambdaEventSourceMappingDestination',
      'A queue keeps what failed: the queue itself redrives to its dead-letter queue.',
    );
  };
  consume('migrate-batch', state.ranges, 1, deploy.workers.migrateConcurrency);
  consume('apply-changes', state.changes, 10, deploy.workers.migrateConcurrency);
  consume('replay-shadow', state.shadowSamples, 10, 2);

  functions.get('reverse-changes')?.fn.addEventSource(
    new DynamoEventSource(state.state, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      // What comes from flat, the whole copy first of all, wakes nobody.
      filters: [fromHierarchical],
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: 10,
      // Nothing is lost with a record that is given up: the reverse-pending entry stays until flat has it.
      onFailure: new SqsDlq(state.changes.deadLetters),
    }),
  );
  functions.get('measure-outcomes')?.fn.addEventSource(
    new KinesisEventSource(state.outcomes, {
      startingPosition: StartingPosition.LATEST,
      batchSize: 1000,
      maxBatchingWindow: Duration.seconds(1),
      reportBatchItemFailures: true,
      retryAttempts: 2,
      maxRecordAge: Duration.minutes(5),
      onFailure: new SqsDlq(state.shadowSamples.deadLetters),
    }),
  );
}
