import { beforeEach, describe, expect, it } from 'vitest';

import type { StateStream, StreamChange, StreamPosition } from '../../lib/migration/kept/ports.ts';
import type { TargetStore } from '../../lib/migration/ports.ts';
import { sealRecord } from '../../lib/migration/record-hash.ts';
import type { TargetRecord } from '../../lib/migration/record.ts';

export interface StreamAdapter {
  readonly target: TargetStore;
  readonly stream: StateStream;
}

const record = (id: number, sequence: number): TargetRecord =>
  sealRecord({
    key: { recordType: 'session', id: `id-${id}` },
    category: 'user-sessions',
    version: { epoch: 1, sequence },
    state: 'live',
    origin: 'flat',
    body: `{"sequence":${sequence}}`,
  });

export function stateStreamContract(name: string, makeAdapter: () => Promise<StreamAdapter>): void {
  describe(`state stream: ${name}`, () => {
    let target: TargetStore;
    let stream: StateStream;
    beforeEach(async () => {
      ({ target, stream } = await makeAdapter());
    });

    it('gives every change from a moment on, with both images, each key in its order', async () => {
      await target.insertIfAbsent([record(0, 1)]);
      const start = await stream.latest();

      await target.applyVersioned([record(0, 2)]);
      for (let id = 1; id <= 150; id += 1) await target.insertIfAbsent([record(id, id)]);
      await target.applyVersioned([record(0, 3)]);
      const { changes } = await readAll(stream, start);

      expect(changes).toHaveLength(152);
      const ofFirst = changes.filter(({ after }) => after?.key.id === 'id-0');
      expect(ofFirst.map(({ before, after }) => [before?.version.sequence, after?.version.sequence])).toEqual(
        [
          [1, 2],
          [2, 3],
        ],
      );
      expect(ofFirst[1]?.after).toMatchObject({ intact: true, body: '{"sequence":3}' });
      expect(changes.filter(({ before }) => before === null)).toHaveLength(150);
    });

    it('gives sequences that grow within a shard', async () => {
      const start = await stream.latest();
      for (let id = 0; id < 12; id += 1) await target.insertIfAbsent([record(id, 1)]);

      const { changes } = await readAll(stream, start);

      const numbers = changes.map(({ sequence }) => BigInt(sequence));
      expect(numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0n))).toBe(true);
    });

    it('goes on behind what was folded, as often as it is asked', async () => {
      const start = await stream.latest();
      await target.insertIfAbsent([record(1, 1), record(2, 1)]);
      const { position } = await readAll(stream, start);
      await target.insertIfAbsent([record(3, 1)]);

      const once = await readAll(stream, position);
      const again = await readAll(stream, position);

      expect(once.changes.map(({ after }) => after?.key.id)).toEqual(['id-3']);
      expect(again.changes).toEqual(once.changes);
    });
  });
}

/** To the end, as one does who folds everything. */
async function readAll(
  stream: StateStream,
  start: StreamPosition,
): Promise<{ changes: readonly StreamChange[]; position: StreamPosition }> {
  const changes: StreamChange[] = [];
  let position = start;
  for (;;) {
    const page = await stream.read(position);
    if (page === null) throw new Error('the stream lost changes');
    changes.push(...page.changes);
    const folded = new Map(page.changes.map(({ shardId, sequence }) => [shardId, sequence]));
    position = Object.fromEntries(
      Object.entries(page.position).map(([shardId, shard]) => [
        shardId,
        { ...shard, folded: folded.get(shardId) ?? shard.folded },
      ]),
    );
    if (page.caughtUp) return { changes, position };
  }
}
