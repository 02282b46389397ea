import * as fc from 'fast-check';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { makeHandler } from '../../../../functions/check-sessions/handler.ts';
import { readLive } from '../../../../lib/gateway/read-live.ts';
import { compareRecord } from '../../../../lib/migration/compare-record.ts';
import { convertImage } from '../../../../lib/migration/convert-image.ts';
import { hal9Definition } from '../../../../lib/migration/hal9-definition.ts';
import type { StoredRecord } from '../../../../lib/migration/record.ts';
import type { FlatRow } from '../../../../lib/migration/row.ts';
import type { SessionAnswer, SessionReport } from '../../../../lib/migration/sessions/check-sessions.ts';
import { judgeSession } from '../../../../lib/migration/sessions/judge-session.ts';
import { tableOf } from '../../../../lib/migration/table-lookup.ts';
import { makeMemoryDigestStore } from '../../../../lib/memory/digest-store.ts';
import { makeMemoryWorld } from '../../../../lib/memory/world.ts';
import { makeVerifyState } from '../../../../lib/migration/verify-state.ts';
import { makeCopiedStore, type CopiedStore } from '../../../support/copied-store.ts';
import { startDynamo, type TestDynamo } from '../../../support/dynoxide.ts';
import { flatEngines, startFlatEngine, type FlatEngine } from '../../../support/flat-engines.ts';

// Engines of their own, and a machine that may be busy with others.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const table = tableOf(hal9Definition, 'session');
const key = { recordType: 'session', id: 's1' };

/** In seconds; as far apart as a copy, its verification and the store's own clearing may be. */
const instant = fc.integer({ min: 1_700_000_000, max: 1_710_000_000 });

function sessionRow(endS: number): FlatRow {
  return {
    id: 's1',
    user_id: 'u1',
    token_hash: 't',
    ip: null,
    user_agent: null,
    region: null,
    data: null,
    created_at: 1_690_000_000n,
    last_accessed_at: null,
    expires_at: BigInt(endS),
    updated_at: 1_690_000_000_000n,
    version: 1n,
    checksum: null,
    organization_id: null,
  };
}

function copiedAt(row: FlatRow, copiedS: number): StoredRecord {
  const version = { epoch: 1, sequence: 1 };
  const { record } = convertImage({ key, keyParts: ['s1'], row, version }, table, { nowMs: copiedS * 1000 });
  return { ...record, intact: true };
}

/** What is left of a record at a later time: the store clears what its TTL allows, soon or late or never. */
function leftOf(record: StoredRecord, atS: number, isCleared: boolean): StoredRecord | undefined {
  const mayGo = record.expiresAtS !== undefined && record.expiresAtS <= atS;
  return mayGo && isCleared ? undefined : record;
}

describe('a session that was copied at any time', () => {
  it('never is a difference because time went by, whether the store cleared it or not', () => {
    fc.assert(
      fc.property(instant, instant, instant, fc.boolean(), (endS, one, other, isCleared) => {
        const [copiedS, lookedS] = [Math.min(one, other), Math.max(one, other)];
        const row = sessionRow(endS);
        const stored = leftOf(copiedAt(row, copiedS), lookedS, isCleared);

        for (const authority of ['flat', 'hierarchical'] as const) {
          const context = { nowMs: lookedS * 1000, authority };
          expect(compareRecord({ row, stored }, table, context)).toBe('verified');
        }
      }),
    );
  });

  it('is live after exactly as long as it was before, and over from then on', () => {
    fc.assert(
      fc.property(instant, instant, instant, fc.boolean(), (endS, one, other, isCleared) => {
        const [copiedS, lookedS] = [Math.min(one, other), Math.max(one, other)];
        const row = sessionRow(endS);
        const stored = leftOf(copiedAt(row, copiedS), lookedS, isCleared);

        expect(judgeSession(row, stored, table, lookedS * 1000)).toBe(endS > lookedS ? 'live' : 'over');
      }),
    );
  });

  it('is kept as history without a TTL when it was over at the cut, and lets nobody in', async () => {
    const row = sessionRow(1_700_000_000);
    const stored = copiedAt(row, 1_700_000_001);
    const gateway = {
      read: () => Promise.resolve({ kind: 'read', row, version: null, servedFrom: 'flat' } as const),
    };
    const at = (nowS: number) => readLive({ gateway, clock: { nowMs: () => nowS * 1000 } }, key);

    expect(stored.expiresAtS).toBeUndefined();
    expect(stored.state).toBe('live');
    expect(await at(1_699_999_999)).toMatchObject({ kind: 'live' });
    expect(await at(1_700_000_000)).toEqual({ kind: 'not-live' });
  });

  it('is a fault with another end, with another TTL, lost or live again', () => {
    const nowS = 1_700_000_000;
    const nowMs = nowS * 1000;
    const [live, over] = [sessionRow(nowS + 60), sessionRow(nowS - 60)];
    const stored = copiedAt(live, nowS);

    expect(judgeSession(live, undefined, table, nowMs)).toBe('SessionLost');
    expect(judgeSession(live, { ...stored, intact: false }, table, nowMs)).toBe('SessionLost');
    expect(judgeSession(live, copiedAt(over, nowS), table, nowMs)).toBe('SessionLost');
    expect(judgeSession(live, copiedAt(sessionRow(nowS + 61), nowS), table, nowMs)).toBe(
      'SessionEndsOtherwise',
    );
    expect(judgeSession(live, { ...stored, expiresAtS: nowS }, table, nowMs)).toBe('SessionDropsOtherwise');
    expect(judgeSession(over, stored, table, nowMs)).toBe('SessionRevived');
    expect(judgeSession({ ...live, expires_at: 'never' }, stored, table, nowMs)).toBe('SessionRevived');
  });
});

describe.each(flatEngines)('the sessions of a whole store in %s', (name) => {
  let dynamo: TestDynamo;
  let engine: FlatEngine;
  let store: CopiedStore;
  beforeAll(async () => {
    [dynamo, engine] = await Promise.all([startDynamo(), startFlatEngine(name)]);
  });
  afterAll(() => Promise.all([dynamo.stop(), engine.stop()]));
  beforeEach(async () => {
    store = await makeCopiedStore(dynamo, engine, 2_000);
    await store.copy('user-sessions');
  });
  afterEach(() => store.close());

  async function check(): Promise<SessionReport> {
    const checkSessions = makeHandler({ ...store.deps, timeBudgetMs: 0 });
    let cursor: string | null = null;
    for (;;) {
      const answer: SessionAnswer = await checkSessions({ cursor });
      if (answer.done) return answer.report;
      ({ cursor } = answer);
    }
  }

  it('are missing before anything is copied, those that are over too', async () => {
    const fresh = await makeCopiedStore(dynamo, engine, 300);
    const sessions = await fresh.deps.source.countRows('session');
    const digests = makeMemoryDigestStore(makeMemoryWorld());
    const verify = makeVerifyState({ ...fresh.deps, digests });
    const { report } = await verify({ categories: ['user-sessions'], cursor: null }, Infinity);
    await fresh.close();

    const { total, missing } = report.byCategory['user-sessions']!;
    expect(total).toBeGreaterThan(sessions);
    expect(missing).toBe(total);
  });

  it('are live or over on both sides alike, each of them looked at', async () => {
    const report = await check();

    expect(report).toMatchObject({ counts: {}, findings: [], pending: 0 });
    expect(report.live).toBeGreaterThan(50);
    expect(report.over).toBeGreaterThan(20);
    expect(report.live + report.over + report.quarantined).toBe(await store.deps.source.countRows('session'));
  });

  it('show the one that the store would drop too early, and one that is on its way as pending', async () => {
    const { images } = await store.deps.source.readRange('session', { after: null, upTo: null }, 2_000);
    const stored = await store.deps.target.read(images.map((image) => image.key));
    const [pk, record] = [...stored].find(([, { expiresAtS }]) => expiresAtS !== undefined)!;
    await store.client.send(
      new UpdateItemCommand({
        TableName: store.tables.state,
        Key: { pk: { S: pk }, sk: { S: '.' } },
        UpdateExpression: 'SET #ttl = :ttl',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: { ':ttl': { N: String((record.expiresAtS ?? 0) - 1) } },
      }),
    );
    const other = [...stored].find(([one, { expiresAtS }]) => expiresAtS !== undefined && one !== pk)![0];
    await store.execute(
      `UPDATE flat_sessions SET expires_at = ${store.flat.any('4000000000')} WHERE id = '${other.split('/')[1]}'`,
    );
    const report = await check();

    expect(report.counts).toEqual({ SessionDropsOtherwise: 1 });
    expect(report.findings).toEqual([{ fault: 'SessionDropsOtherwise', pk }]);
    expect(report.pending).toBe(1);
  });
});
