import { seededRandom } from '../../lib/kernel/random.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { FlatSource } from '../../lib/migration/ports.ts';
import { makeAckWindows } from './ack-windows.ts';
import { makeHttpUsers } from './http-user.ts';
import { makeKeyPool } from './key-pool.ts';
import { findFreeLinks } from './new-keys.ts';
import { makePacer } from './pacer.ts';
import { makeWritePlanner } from './plan-write.ts';
import { makeRecorder } from './recorder.ts';
import { makeRequestCounters } from './request-counters.ts';
import { makeUserActions } from './run-traffic.ts';
import { sampleRows } from './sample-rows.ts';
import type { TrafficControl, TrafficOptions, TrafficStats } from './traffic-control.ts';

const sampleOptions = { rowsPerTable: 400, maxRowCharacters: 16_000 };
const freeLinkLimit = 1_000;
/** Beyond this many open requests users give up coming. */
const maxInFlight = 1_000;

/** Starts users in this process. The source is read once, before the first request, and not closed. */
export async function startTraffic(
  deps: { source: FlatSource; definition: MigrationDefinition },
  options: Omit<TrafficOptions, 'source'>,
): Promise<TrafficControl> {
  const random = seededRandom(options.seed);
  const run = Math.floor(Date.now() / 1_000).toString(36);
  const samples = await sampleRows({ ...deps, random }, sampleOptions);
  const freeRows = await findFreeLinks({ ...deps, random, run }, samples, freeLinkLimit);

  const pool = makeKeyPool(random);
  const windows = makeAckWindows();
  const counters = makeRequestCounters();
  const recorder = makeRecorder(options.historyPath);
  const users = makeHttpUsers(options.edgeUrl, options.timeoutMs);
  const actions = makeUserActions({
    users,
    userNames: Array.from({ length: options.users }, (_, index) => `user-${run}-${index}`),
    pool,
    planner: makeWritePlanner({ samples, freeRows, pool, random, run }),
    random,
    windows,
    counters,
    record: (entry) => recorder.record(entry),
    now,
  });

  const inFlight = new Set<Promise<void>>();
  let shed = 0;
  let isWriteTurn = false;
  const startOne = (): void => {
    if (inFlight.size >= maxInFlight) {
      shed += 1;
      return;
    }
    isWriteTurn = !isWriteTurn;
    const request = (isWriteTurn ? actions.write() : undefined) ?? actions.read();
    if (request === undefined) return;
    inFlight.add(request);
    void request.finally(() => inFlight.delete(request));
  };
  const pacer = makePacer(options.rate, startOne, now);
  const settle = async (): Promise<void> => {
    await Promise.all(inFlight);
  };
  const stats = (): TrafficStats => ({
    ...counters.stats(),
    acknowledgedWrites: windows.total(),
    shed,
    inFlight: inFlight.size,
  });

  return {
    beginWindow: async (label) => windows.begin(label),
    endWindow: async (label) => windows.end(label),
    waitForAcks: (label, count, timeoutMs) => windows.waitFor(label, count, timeoutMs),
    beginFault: async () => counters.beginFault(now()),
    endFault: async () => counters.endFault(now()),
    async pause() {
      pacer.pause();
      await settle();
    },
    resume: async () => pacer.resume(),
    setRate: async (rate) => pacer.setRate(rate),
    stats: async () => stats(),
    async stop() {
      pacer.stop();
      await settle();
      users.close();
      recorder.close();
      return stats();
    },
  };
}

/** Monotonic milliseconds, rounded so that a history stays small. */
function now(): number {
  return Math.round(performance.now() * 1_000) / 1_000;
}
