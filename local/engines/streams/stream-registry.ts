import { ApiFault } from '../api-fault.ts';
import { arnOf, nameInArn } from '../arns.ts';
import type { EngineFault, StreamEngine, StreamRecord, StreamSubscription } from '../ports.ts';
import { realSleep } from '../virtual-clock.ts';
import type { RecordLog } from './record-log.ts';
import { makeRecordLog } from './record-log.ts';

export interface StreamRegistry extends StreamEngine {
  /** Throws ResourceNotFoundException. */
  log(nameOrArn: string): RecordLog;
  names(): readonly string[];
  close(): Promise<void>;
}

const defaultAttempts = 10;
const shortestPauseMs = 100;
const longestPauseMs = 5000;

export function makeStreamRegistry(onFault: (fault: EngineFault) => void): StreamRegistry {
  const logs = new Map<string, RecordLog>();
  const readers = new Set<{ stop(): Promise<void> }>();
  const log = (nameOrArn: string): RecordLog => {
    const found = logs.get(nameInArn(nameOrArn));
    if (found === undefined) {
      throw new ApiFault('ResourceNotFoundException', 400, `there is no stream ${nameOrArn}`);
    }
    return found;
  };

  return {
    log,
    names: () => [...logs.keys()],
    ensureStream(name) {
      logs.set(name, logs.get(name) ?? makeRecordLog());
      return streamArn(name);
    },
    put(nameOrArn, partitionKey, data) {
      log(nameOrArn).append(partitionKey, data);
    },
    subscribe(nameOrArn, subscription) {
      const reader = startReader(log(nameOrArn), subscription, (message) => {
        onFault({ engine: 'kinesis', message: `${nameInArn(nameOrArn)}: ${message}` });
      });
      readers.add(reader);
      return reader;
    },
    lose(nameOrArn, share) {
      log(nameOrArn).lose(share);
    },
    async close() {
      await Promise.all([...readers].map((reader) => reader.stop()));
    },
  };
}

export function streamArn(name: string): string {
  return arnOf('kinesis', `stream/${name}`);
}

function startReader(
  log: RecordLog,
  subscription: StreamSubscription,
  report: (message: string) => void,
): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const { signal } = stopped;
  const bell = makeBell(signal);
  log.onAppend(() => {
    bell.ring();
  });
  const finished = readOn();

  async function readOn(): Promise<void> {
    let place = log.end();
    while (!signal.aborted) {
      if (log.end() === place) {
        await bell.next();
        continue;
      }
      await awaitBatch(log, place, subscription, signal);
      const { records, next, skipped } = log.read(place, subscription.batchSize);
      if (skipped > 0) {
        report(`${skipped} records were dropped before they could be delivered`);
      }
      if (records.length > 0 && !signal.aborted) {
        await deliver(records, subscription, signal, report);
      }
      place = next;
    }
  }

  return {
    async stop() {
      stopped.abort();
      await finished;
    },
  };
}

/** Lets one waiter know of the next append; appends in between are not lost, since the waiter looks before it waits. */
function makeBell(signal: AbortSignal): { ring(): void; next(): Promise<void> } {
  let wake: (() => void) | undefined;
  const ring = (): void => {
    wake?.();
    wake = undefined;
  };
  signal.addEventListener('abort', ring);
  return {
    ring,
    next: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
  };
}

/** Gives a batch that is not full yet the time of its window. */
async function awaitBatch(
  log: RecordLog,
  place: number,
  subscription: StreamSubscription,
  signal: AbortSignal,
): Promise<void> {
  const windowMs = subscription.batchWindowMs ?? 0;
  if (windowMs > 0 && log.end() - place < subscription.batchSize) {
    await realSleep(windowMs, signal);
  }
}

async function deliver(
  records: readonly StreamRecord[],
  subscription: StreamSubscription,
  signal: AbortSignal,
  report: (message: string) => void,
): Promise<void> {
  const attempts = subscription.maxAttempts ?? defaultAttempts;
  for (let attempt = 1; attempt <= attempts && !signal.aborted; attempt += 1) {
    try {
      await subscription.onRecords(records);
      return;
    } catch (error) {
      if (attempt === attempts) {
        report(
          `a batch of ${records.length} records failed ${attempts} times and was dropped: ${String(error)}`,
        );
        return;
      }
      await realSleep(Math.min(longestPauseMs, shortestPauseMs * 2 ** (attempt - 1)), signal);
    }
  }
}
