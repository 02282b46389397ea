import { recordPk } from '../migration/key.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { makeKeyedTurns } from './keyed-turns.ts';
import { unavailable, type Attempt, type Gateway, type GatewayDeps } from './outcome.ts';
import { readOnce } from './read-once.ts';
import { makeWriteAttempts } from './write-attempts.ts';

/**
 * Throws when a store cannot be reached (a write that throws has an unknown outcome), `RecordCorrupted` rather than
 * answer with damage, and RangeError for a record type that the definition does not have.
 */
export function makeGateway(deps: GatewayDeps): Gateway {
  const turns = makeKeyedTurns();
  return {
    async read(key) {
      const table = tableOf(deps.definition, key.recordType);
      return await attemptUntil(
        deps,
        deadline(deps),
        () => readOnce(deps, table, key),
        () => unavailable(),
      );
    },
    async write(key, row) {
      const attempts = makeWriteAttempts(deps, { table: tableOf(deps.definition, key.recordType), key, row });
      // Waiting for one's turn counts, so that a fence does not make the writers of one key wait one after the other.
      const deadlineMs = deadline(deps);
      return await turns.take(recordPk(key), () =>
        attemptUntil(
          deps,
          deadlineMs,
          () => attempts.once(),
          () => attempts.givenUp(),
        ),
      );
    },
  };
}

function deadline(deps: Pick<GatewayDeps, 'clock' | 'maxWaitMs'>): number {
  return deps.clock.nowMs() + deps.maxWaitMs;
}

async function attemptUntil<Outcome>(
  deps: Pick<GatewayDeps, 'clock' | 'sleeper'>,
  deadlineMs: number,
  attempt: () => Promise<Attempt<Outcome>>,
  givenUp: () => Outcome,
): Promise<Outcome> {
  for (;;) {
    const result = await attempt();
    if (result.kind === 'done') return result.outcome;
    if (deps.clock.nowMs() >= deadlineMs) return givenUp();
    await deps.sleeper.sleep(result.delayMs);
  }
}
