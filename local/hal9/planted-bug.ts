import type { Gateway, GatewayRead, GatewayWrite } from '../../lib/gateway/outcome.ts';
import type { Sleeper } from '../../lib/kernel/clock.ts';
import { recordPk } from '../../lib/migration/key.ts';
import type { FlatRow, RecordKey } from '../../lib/migration/row.ts';

export const plantedBugs = ['lost-write', 'stale-read', 'resurrection'] as const;

export type PlantedBug = (typeof plantedBugs)[number];

/**
 * Wraps the gateways of both services so that users really meet a bug, which the check of their history must find.
 * Without this nobody would know that the check can fail.
 */
export function makePlantedBug(bug: PlantedBug, sleeper: Sleeper): (gateway: Gateway) => Gateway {
  if (bug === 'lost-write') return loseWrites();
  if (bug === 'stale-read') return staleReads();
  return resurrections(sleeper);
}

/** Acknowledges every write to one key without doing it, so that nothing later hides the loss. */
function loseWrites(): (gateway: Gateway) => Gateway {
  let victim: string | null = null;
  return (gateway) => ({
    read: (key) => gateway.read(key),
    async write(key, row) {
      if (victim === null && row !== null) victim = recordPk(key);
      if (victim !== recordPk(key)) return await gateway.write(key, row);
      return { kind: 'written', version: null, servedFrom: 'flat' };
    },
  });
}

/** How many reads are stale; several, since one at the same time as the write would be in order. */
const staleReadCount = 10;

/** Answers reads of keys with the row that an acknowledged write replaced. */
function staleReads(): (gateway: Gateway) => Gateway {
  const replaced = new Map<string, FlatRow>();
  let left = staleReadCount;
  return (gateway) => ({
    async read(key): Promise<GatewayRead> {
      const older = replaced.get(recordPk(key));
      if (left === 0 || older === undefined) return await gateway.read(key);
      left -= 1;
      return { kind: 'read', row: older, version: null, servedFrom: 'flat' };
    },
    async write(key, row): Promise<GatewayWrite> {
      const before = await gateway.read(key);
      const outcome = await gateway.write(key, row);
      if (outcome.kind === 'written' && before.kind === 'read' && before.row !== null) {
        replaced.set(recordPk(key), before.row);
      }
      return outcome;
    },
  });
}

/** How many deleted rows come back; several, since users may re-insert one before anybody sees it. */
const resurrectionCount = 10;

/** Brings rows back a little after their delete was acknowledged. */
function resurrections(sleeper: Sleeper): (gateway: Gateway) => Gateway {
  let left = resurrectionCount;
  const bringBack = async (gateway: Gateway, key: RecordKey, row: FlatRow): Promise<void> => {
    await sleeper.sleep(20);
    await gateway.write(key, row);
  };
  return (gateway) => ({
    read: (key) => gateway.read(key),
    async write(key, row) {
      if (row !== null || left === 0) return await gateway.write(key, row);
      const before = await gateway.read(key);
      const outcome = await gateway.write(key, row);
      if (outcome.kind === 'written' && before.kind === 'read' && before.row !== null) {
        left -= 1;
        bringBack(gateway, key, before.row).catch(() => undefined);
      }
      return outcome;
    },
  });
}
