import { DeleteItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { unprovenLines } from '../../../../cli/output/audit-views.ts';
import { makeHandler } from '../../../../functions/verify-audit/handler.ts';
import { makeSealStore } from '../../../../lib/aws/seal-store.ts';
import { makeMemorySealStore } from '../../../../lib/memory/seal-store.ts';
import type { AuditReport } from '../../../../lib/migration/audit-chain/audit-report.ts';
import type { SealAnswer } from '../../../../lib/migration/audit-chain/seal-audit.ts';
import type { AuditAnswer } from '../../../../lib/migration/audit-chain/verify-audit.ts';
import { convertImage } from '../../../../lib/migration/convert-image.ts';
import { hal9Definition, hal9ServerDefinition } from '../../../../lib/migration/hal9-definition.ts';
import { tableOf } from '../../../../lib/migration/table-lookup.ts';
import { sealStoreContract } from '../../../contract/seal-store.ts';
import { makeCopiedStore, type CopiedStore } from '../../../support/copied-store.ts';
import { startDynamo, type TestDynamo } from '../../../support/dynoxide.ts';
import { flatEngines, startFlatEngine, type FlatEngine } from '../../../support/flat-engines.ts';

// Engines of their own, and a machine that may be busy with others.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

sealStoreContract('memory', () => Promise.resolve(makeMemorySealStore()));
sealStoreContract('DynamoDB', async () => {
  const tables = await dynamo.createTables();
  return makeSealStore({ client: dynamo.client, table: tables.progress });
});

function keyOf(sequence: number) {
  return { pk: { S: `metadata/audit|#${sequence}` }, sk: { S: '.' } };
}

describe.each(flatEngines)('over %s', (name) => {
  let engine: FlatEngine;
  let store: CopiedStore;
  let audit: (event: unknown) => Promise<AuditAnswer | SealAnswer>;

  beforeAll(async () => {
    engine = await startFlatEngine(name);
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    store = await makeCopiedStore(dynamo, engine, 500);
    const { deps, client, tables } = store;
    await store.execute(`DELETE FROM flat_metadata; ${insertEvents(1, 600)}`);
    const seals = makeSealStore({ client, table: tables.progress });
    audit = makeHandler({ ...deps, seals, timeBudgetMs: 0 });
  });
  afterEach(() => store.close());

  function insertEvents(from: number, to: number): string {
    const [at, now] = [store.flat.any('1700000000 + seq'), store.flat.any('1700000000000')];
    return `WITH RECURSIVE n(seq) AS (VALUES (${from}) UNION ALL SELECT seq + 1 FROM n WHERE seq < ${to})
    INSERT INTO flat_metadata (kind, seq, id, ts, actor, body, updated_at, version, checksum)
    SELECT 'audit', seq, 'event-' || seq, ${at}, 'ada', '{"n":' || seq || '}', ${now}, 1, 'c' FROM n`;
  }

  async function verify(): Promise<AuditReport> {
    let cursor: string | null = null;
    for (;;) {
      const answer = (await audit({ action: 'verify', cursor })) as AuditAnswer;
      if (answer.done) return answer.report;
      ({ cursor } = answer);
    }
  }

  async function seal(dryRun = false): Promise<SealAnswer['streams'][number]> {
    for (;;) {
      const answer = (await audit({ action: 'seal', requestedBy: 'test', dryRun })) as SealAnswer;
      if (answer.done) return answer.streams[0]!;
    }
  }

  /** What somebody does who knows the tables but not the hashes. */
  async function forgeRecord(sequence: number): Promise<void> {
    await store.client.send(
      new UpdateItemCommand({
        TableName: store.tables.state,
        Key: keyOf(sequence),
        UpdateExpression: 'SET body = :body',
        ExpressionAttributeValues: { ':body': { S: '{}' } },
      }),
    );
  }

  describe('the audit stream of the migrated metadata', () => {
    it('is in order, without a gap, the same on both sides, and shown with one head', async () => {
      await store.copy('metadata');
      const report = await verify();

      expect(report.outcome).toBe('sound');
      expect(report.canary).toEqual({ planted: 4, found: 4 });
      expect(report.scanned).toBe(1_200);
      const [chain] = report.streams;
      expect(chain).toMatchObject({ recordType: 'metadata', stream: 'audit', sealed: null });
      expect(chain?.flat).toMatchObject({ first: '1', last: '600', count: 600 });
      expect(chain?.hierarchical).toEqual(chain?.flat);
    });

    it('is refused before it was copied: a walk over half of it would say nothing', async () => {
      await store.deps.source.installChangeLog();

      await expect(verify()).rejects.toMatchObject({ name: 'BackfillIncomplete' });
      await expect(seal()).rejects.toMatchObject({ name: 'BackfillIncomplete' });
    });

    it('is sealed behind the last seal, and only what is new', async () => {
      await store.copy('metadata');
      const planned = await seal(true);
      const sealed = await seal();
      const again = await seal();
      const { streams, outcome } = await verify();

      expect(planned).toMatchObject({ added: 600, end: 'end of the stream' });
      expect(sealed).toMatchObject({ added: 600, sealed: { last: '600' } });
      expect(again).toMatchObject({ added: 0, sealed: { last: '600' } });
      expect(outcome).toBe('sound');
      expect(streams[0]?.sealed?.head).toBe(streams[0]?.flat?.head);
    });

    it('grows under live writes: new events are sound, and sealed behind the others', async () => {
      await store.copy('metadata');
      await seal();
      await store.execute(insertEvents(601, 603));
      const before = await verify();
      await store.relay('metadata');
      const after = await verify();

      expect(before.outcome).toBe('pending');
      expect(after.outcome).toBe('sound');
      expect(after.streams[0]?.hierarchical).toMatchObject({ last: '603', count: 603 });
      expect(await seal()).toMatchObject({ added: 3, sealed: { last: '603' } });
    });

    it('shows a gap that flat brought with it, and is not sealed beyond it', async () => {
      await store.execute(`DELETE FROM flat_metadata WHERE seq = 300`);
      await store.copy('metadata');
      const { outcome, counts, findings } = await verify();

      expect(outcome).toBe('broken');
      expect(counts).toEqual({ AuditGap: 2 });
      expect(findings[0]).toMatchObject({ side: 'flat', sequence: '301', stream: 'metadata/audit' });
      expect(await seal()).toMatchObject({ end: 'fault', sealed: { last: '250' } });
    });

    it('shows what was removed, forged and exchanged on the target', async () => {
      await store.copy('metadata');
      await store.client.send(new DeleteItemCommand({ TableName: store.tables.state, Key: keyOf(100) }));
      await forgeRecord(200);
      const { outcome, findings } = await verify();

      expect(outcome).toBe('broken');
      expect(findings.map(({ fault, side, sequence }) => [fault, side, sequence])).toEqual([
        ['AuditMissing', 'both', '100'],
        ['AuditDamaged', 'both', '200'],
        ['AuditGap', 'hierarchical', '101'],
      ]);
    });

    it('shows an event that only the target has, behind the last and before the first of flat', async () => {
      await store.execute(`DELETE FROM flat_metadata WHERE seq = 1`);
      await store.copy('metadata');
      const { images } = await store.deps.source.readRange('metadata', { after: null, upTo: null }, 1);
      for (const seq of [1n, 601n]) {
        const image = {
          key: { recordType: 'metadata', id: `audit|#${seq}` },
          keyParts: ['audit', seq],
          row: { ...images[0]!.row, seq },
          version: { epoch: 1, sequence: 0 },
        };
        const { record } = convertImage(image, tableOf(hal9Definition, 'metadata'), { nowMs: 0 });
        await store.deps.target.insertIfAbsent([record]);
      }
      const { outcome, findings } = await verify();

      expect(outcome).toBe('broken');
      expect(findings.map(({ fault, sequence, detail }) => [fault, sequence, detail])).toEqual([
        ['AuditMissing', '1', 'flat does not have it'],
        ['AuditMissing', '601', 'flat does not have it'],
      ]);
    });

    it('shows an event that was changed on both sides by the proper way, since it was sealed', async () => {
      await store.copy('metadata');
      await seal();
      await store.execute(`UPDATE flat_metadata SET actor = 'nobody' WHERE seq = 400`);
      await store.relay('metadata');
      const { outcome, findings } = await verify();

      expect(outcome).toBe('broken');
      expect(findings.map(({ fault, side, detail }) => [fault, side, detail])).toEqual([
        ['AuditAltered', 'flat', 'the events 1 to 600 are not those that were sealed'],
        ['AuditAltered', 'hierarchical', 'the events 1 to 600 are not those that were sealed'],
      ]);
    });

    it('shows a tail that was cut off on both sides by the proper way, since it was sealed', async () => {
      await store.copy('metadata');
      await seal();
      await store.execute(`DELETE FROM flat_metadata WHERE seq > 590`);
      await store.relay('metadata');
      const { outcome, findings } = await verify();

      expect(outcome).toBe('broken');
      expect(findings.map(({ fault, side, sequence }) => [fault, side, sequence])).toEqual([
        ['AuditTruncated', 'flat', '600'],
        ['AuditTruncated', 'hierarchical', '600'],
      ]);
    });

    it('is not proven where a store numbers no events', async () => {
      const { deps, client, tables } = store;
      const seals = makeSealStore({ client, table: tables.progress });
      audit = makeHandler({ ...deps, definition: hal9ServerDefinition, seals, timeBudgetMs: 0 });

      const report = await verify();

      expect(report).toMatchObject({ outcome: 'unproven', unproven: 'no-numbered-events', streams: [] });
      expect(unprovenLines(report).join(' ')).toContain('state verify --category metadata');
    });
  });
});
