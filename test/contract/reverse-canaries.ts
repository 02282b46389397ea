import { describe, expect, it } from 'vitest';

import { seenCount } from './seen-count.ts';
import type { ReversePendingStore, TargetStore } from '../../lib/migration/ports.ts';
import { carryCanary, proveReversePath, type ReverseCanaries } from '../../lib/migration/reverse-canary.ts';
import type { TargetRecord } from '../../lib/migration/record.ts';

export interface CanaryAdapter {
  readonly canaries: ReverseCanaries;
  readonly target: TargetStore;
  readonly reversePending: ReversePendingStore;
}

const category = 'user-sessions';

export function reverseCanariesContract(name: string, makeAdapter: () => Promise<CanaryAdapter>): void {
  describe(`reverse canaries: ${name}`, () => {
    it('come back when the reverse path took them to flat, and are no records meanwhile', async () => {
      const adapter = await makeAdapter();
      const written: unknown[] = [];
      const source = {
        applyReverse: (...change: unknown[]) => {
          written.push(change);
          return Promise.resolve([]);
        },
      };
      let recordsSeen: number | null = null;

      const tookMs = await prove(adapter, async (record) => {
        recordsSeen = await seenCount(adapter.target);
        await carryCanary(
          { source: source as never, reversePending: adapter.reversePending },
          { ...record, intact: true },
        );
      });

      expect(tookMs).toBe(1_000);
      expect(written).toEqual([[category, []]]);
      expect(recordsSeen).toBe(0);
    });

    it('are cleared away when they do not come back', async () => {
      const adapter = await makeAdapter();
      let planted: TargetRecord | null = null;

      await expect(
        prove(adapter, (record) => {
          planted = record;
          return Promise.resolve();
        }),
      ).rejects.toMatchObject({ name: 'ReversePathUnproven' });

      expect(await adapter.target.read([planted!['key']])).toEqual(new Map());
    });
  });
}

/** Tries the path; `carry` is what the stream's function does while the canary is under way. */
async function prove(
  adapter: CanaryAdapter,
  carry: (record: TargetRecord) => Promise<void>,
): Promise<number> {
  let nowMs = 1_000_000;
  let planted: TargetRecord | null = null;
  const canaries: ReverseCanaries = {
    ...adapter.canaries,
    plant: async (record, entry) => {
      planted = record;
      await adapter.canaries.plant(record, entry);
    },
  };
  const sleeper = {
    sleep: async (durationMs: number) => {
      nowMs += durationMs * 10;
      if (planted !== null) await carry(planted);
    },
  };
  return await proveReversePath({ canaries, clock: { nowMs: () => nowMs }, sleeper }, category);
}
