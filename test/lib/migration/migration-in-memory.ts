import { makeMemoryAuthorityStore } from '../../../lib/memory/authority-store.ts';
import { makeMemoryDigestStore } from '../../../lib/memory/digest-store.ts';
import { makeMemoryFlatRecords } from '../../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../../lib/memory/flat-source.ts';
import { makeFlatStore } from '../../../lib/memory/flat-store.ts';
import { makeMemoryKeptDigestStore } from '../../../lib/memory/kept-digest-store.ts';
import { makeMemoryQuarantineStore } from '../../../lib/memory/quarantine-store.ts';
import { makeMemoryRangeStore } from '../../../lib/memory/range-store.ts';
import { makeMemoryRelayStore } from '../../../lib/memory/relay-store.ts';
import { makeMemoryReversePendingStore } from '../../../lib/memory/reverse-pending-store.ts';
import { makeMemoryStateStream } from '../../../lib/memory/state-stream.ts';
import { makeMemorySwitchStore } from '../../../lib/memory/switch-store.ts';
import { makeMemoryTargetStore } from '../../../lib/memory/target-store.ts';
import { makeMemoryWorld } from '../../../lib/memory/world.ts';
import { encodeKey } from '../../../lib/migration/key.ts';
import { makeMigrateRange } from '../../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../../lib/migration/plan-backfill.ts';
import type { ChangeMessage, RangeTask } from '../../../lib/migration/ports.ts';
import { smallDefinition } from '../../simulation/definition.ts';

/** Everything in memory, uninterrupted, with queues that a test empties itself. */
export function migrationInMemory() {
  const time = { nowMs: 1_000_000 };
  const clock = { nowMs: () => time.nowMs };
  const sleeper = {
    sleep: (durationMs: number) => {
      time.nowMs += durationMs;
      return Promise.resolve();
    },
  };
  const world = makeMemoryWorld();
  const store = makeFlatStore(smallDefinition);
  const tasks: RangeTask[] = [];
  const messages: ChangeMessage[] = [];
  const deps = {
    definition: smallDefinition,
    clock,
    sleeper,
    source: makeMemoryFlatSource(store),
    target: makeMemoryTargetStore(world),
    ranges: makeMemoryRangeStore(world, clock),
    relay: makeMemoryRelayStore(world),
    authority: makeMemoryAuthorityStore(world),
    reversePending: makeMemoryReversePendingStore(world),
    quarantine: makeMemoryQuarantineStore(world),
    switches: makeMemorySwitchStore(world),
    guards: null,
    digests: makeMemoryDigestStore(world),
    stream: makeMemoryStateStream(world),
    kept: makeMemoryKeptDigestStore(),
  };
  const records = makeMemoryFlatRecords(store);
  const rangeQueue = {
    send: (sent: readonly RangeTask[]) => {
      tasks.push(...sent);
      return Promise.resolve();
    },
    hasWaiting: () => Promise.resolve(tasks.length > 0),
  };
  const changeQueue = {
    send: (message: ChangeMessage) => {
      messages.push(message);
      return Promise.resolve();
    },
  };
  return {
    ...deps,
    deps,
    time,
    world,
    store,
    tasks,
    messages,
    rangeQueue,
    changeQueue,
    put: (id: string, payload: string | null) =>
      records.write('user-sessions', sessionKey(id), payload === null ? null : { id, payload }, 1),
    copyEverything: async (): Promise<void> => {
      await deps.source.installChangeLog();
      await makePlanBackfill({ ...deps, queue: rangeQueue }).plan('run');
      for (const task of tasks.splice(0)) await makeMigrateRange(deps)(task, 'worker');
    },
  };
}

export function sessionKey(id: string) {
  return { recordType: 'session', id: encodeKey([id]) };
}
