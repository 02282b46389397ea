import { describe, expect, it } from 'vitest';

import { makeHandler, type StreamEvent } from '../../functions/reverse-changes/handler.ts';
import { groupOf } from '../../lib/migration/bucket.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import type { ReverseChange, ReverseOutcome } from '../../lib/migration/ports.ts';
import { sealRecord } from '../../lib/migration/record-hash.ts';
import { recordToItem } from '../../lib/migration/record-item.ts';
import type { TargetRecord } from '../../lib/migration/record.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { graphInMemory } from '../lib/migration/neurons/graph-in-memory.ts';

const category = 'user-sessions';

function deleted(id: string, sequence: number, more: Partial<TargetRecord> = {}): TargetRecord {
  return sealRecord({
    key: { recordType: 'session', id: encodeKey([id]) },
    category,
    version: { epoch: 2, sequence },
    state: 'tombstone',
    origin: 'hierarchical',
    body: null,
    ...more,
  });
}

function eventOf(...records: readonly TargetRecord[]): StreamEvent {
  return {
    Records: records.map((record, at) => ({
      dynamodb: {
        SequenceNumber: String(at + 1),
        NewImage: Object.fromEntries(
          Object.entries(recordToItem(record)).map(([name, value]) => [
            name,
            typeof value === 'number' ? { N: String(value) } : { S: String(value) },
          ]),
        ),
      },
    })),
  };
}

/** A flat store that does as `answer` says and remembers what it was told in one transaction each. */
function system(answer: (change: ReverseChange) => ReverseOutcome = () => 'applied') {
  const { deps } = graphInMemory();
  const transactions: string[][] = [];
  const removed: string[] = [];
  const failures: string[] = [];
  const handler = makeHandler({
    definition: smallDefinition,
    target: deps.target,
    source: {
      ...deps.source,
      authority: () => Promise.resolve({ epoch: 2, state: 'fenced' }),
      applyReverse: (_category, changes) => {
        transactions.push(changes.map(({ key, version }) => `${key.id} ${version.sequence}`));
        return Promise.resolve(changes.map(answer));
      },
    },
    reversePending: {
      list: () => Promise.resolve([]),
      count: () => Promise.resolve(0),
      remove: ({ key, group, version }) => {
        expect(group).toBe(groupOf(key));
        removed.push(`${key.id} ${version.sequence}`);
        return Promise.resolve();
      },
    },
    onFailure: (sequenceNumber) => failures.push(sequenceNumber),
  });
  return { handler, transactions, removed, failures };
}

describe('a batch of the stream', () => {
  it('goes to flat in one transaction, of each key the newest version only', async () => {
    const { handler, transactions, removed } = system();

    const answer = await handler(eventOf(deleted('a', 1), deleted('b', 2), deleted('a', 3)));

    expect(answer).toEqual({ batchItemFailures: [] });
    expect(transactions).toEqual([['a 3', 'b 2']]);
    expect(removed.toSorted()).toEqual(['a 3', 'b 2']);
  });

  it('leaves out what flat wrote itself', async () => {
    const { handler, transactions } = system();

    await handler(eventOf(deleted('a', 1, { origin: 'flat' }), deleted('b', 2)));

    expect(transactions).toEqual([['b 2']]);
  });

  it('ends at the first record that comes too early, and keeps its pending entry', async () => {
    const { handler, removed, failures } = system(({ key }) =>
      key.id === 'b' ? 'refused-epoch' : 'applied',
    );

    const answer = await handler(eventOf(deleted('a', 1), deleted('b', 2), deleted('c', 3)));

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
    expect(removed.toSorted()).toEqual(['a 1', 'c 3']);
    expect(failures).toEqual(['2']);
  });

  it('is through up to a record that cannot be carried, which is named', async () => {
    const { handler, transactions, failures } = system();
    const unreadable = deleted('b', 2, { state: 'live', body: 'no JSON' });

    const answer = await handler(eventOf(deleted('a', 1), unreadable, deleted('c', 3)));

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
    expect(transactions).toEqual([['a 1']]);
    expect(failures).toEqual(['2']);
  });
});
