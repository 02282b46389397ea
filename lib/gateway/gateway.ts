import { recordPk } from '../migration/key.ts';
import type { RecordKey } from '../migration/row.ts';
import { tableOf, type MigratedTable } from '../migration/table-lookup.ts';
import { makeAuthorityWatch } from './authority-watch.ts';
import { makeKeyedTurns } from './keyed-turns.ts';
import { unavailable, type Attempt, type Gateway, type GatewayDeps } from './outcome.ts';
import { readOnce } from './read-once.ts';
import { makeSeenSides } from './seen-sides.ts';
import { makeWriteAttempts } from './write-attempts.ts';

/**
 * Throws when a store cannot be reached (a write that throws has an unknown outcome), `RecordCorrupted` rather than
 * answer with damage, and RangeError for a record type that the definition does not have.
 */
export function makeGateway(deps: GatewayDeps): Gateway {
  const turns = makeKeyedTurns();
  const watch = makeAuthorityWatch(deps);
  const seen = makeSeenSides();
  const waitsOf = (table: MigratedTable, key: RecordKey): Waits => {
    const deadlineMs = deps.clock.nowMs() + deps.maxWaitMs;
    return {
      isOver: () => deps.clock.nowMs() >= deadlineMs,
      sleep: (durationMs) => deps.sleeper.sleep(durationMs),
      untilWritable: () => watch.untilWritable(table, key),
    };
  };
  return {
    async read(key) {
      const table = tableOf(deps.definition, key.recordType);
      return await attemptUntil(waitsOf(table, key), {
        once: () => readOnce({ ...deps, seen }, table, key),
        givenUp: () => unavailable(),
      });
    },
    async write(key, row) {
      const table = tableOf(deps.definition, key.recordType);
      // Waiting for one's turn counts, so that a fence does not make the writers of one key wait one after the other.
      const waits = waitsOf(table, key);
      const attempts = makeWriteAttempts(deps, { table, key, row });
      return await turns.take(recordPk(key), () => attemptUntil(waits, attempts));
    },
  };
}

interface Waits {
  isOver(): boolean;
  sleep(durationMs: number): Promise<void>;
  untilWritable(): Promise<void>;
}

interface Attempts<Outcome> {
  once(): Promise<Attempt<Outcome>>;
  givenUp(): Outcome;
}

async function attemptUntil<Outcome>(waits: Waits, attempts: Attempts<Outcome>): Promise<Outcome> {
  for (;;) {
    const result = await attempts.once();
    if (result.kind === 'done') return result.outcome;
    if (waits.isOver()) return attempts.givenUp();
    await (result.kind === 'blocked' ? waits.untilWritable() : waits.sleep(result.delayMs));
  }
}
