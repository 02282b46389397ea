import { randomInt, type Random } from '../../lib/kernel/random.ts';
import type { Category } from '../../lib/migration/category.ts';
import { recordPk } from '../../lib/migration/key.ts';
import { isCanary } from '../../lib/migration/reverse-canary.ts';
import type { RecordOrigin, TargetRecord } from '../../lib/migration/record.ts';
import type { VerifyAnswer } from '../../lib/migration/verify-state.ts';
import type { Cluster, Handlers } from './cluster.ts';
import type { Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';

export interface Operator {
  /** Prepares the source, plans the copy and waits until every category is copied. */
  copy(): Promise<void>;
  /** Damages some records, has them found by the verification, and repairs them. */
  damageAndRepair(): Promise<void>;
  /** Repairs a few keys that need no repair, while everything goes on. */
  repairForNothing(category: Category): Promise<void>;
  switchTo(category: Category, to: RecordOrigin): Promise<void>;
  verify(): Promise<VerifyAnswer>;
}

interface OperatorOptions {
  readonly cluster: Cluster;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly categories: readonly Category[];
}

/** Somebody who repeats each command until it succeeds, sometimes twice at once, sometimes changing their mind. */
export function makeOperator(options: OperatorOptions): Operator {
  const { cluster, scheduler, faults, random, categories } = options;
  const { world, store, invariants } = cluster;

  const attempt = (work: (handlers: Handlers) => Promise<unknown>) =>
    cluster.processes.spawn((process) => work(cluster.handlers(process)));

  const untilDone = async <Result>(work: (handlers: Handlers) => Promise<Result>): Promise<Result> => {
    for (;;) {
      const ending = await cluster.processes.spawn((process) => work(cluster.handlers(process)));
      if (ending.kind === 'returned') return ending.result;
      await scheduler.sleep(500 + 2_000 * random.next());
    }
  };

  const isCopied = (): boolean => {
    const ranges = [...world.ranges.values()];
    return (
      world.plans.size === store.definition.tables.length && ranges.every(({ state }) => state === 'complete')
    );
  };

  const damage = (): void => {
    for (const [pk, record] of world.records) {
      if (record.body === null || !faults.happens('recordCorrupted') || random.next() < 0.7) continue;
      if (store.authorities.get(record.category)?.state !== 'open') continue;
      world.records.set(pk, { ...record, body: record.body.replace('payload', 'peyload') });
      invariants.damaged(pk);
    }
  };

  const verify = async (): Promise<VerifyAnswer> => {
    let cursor: string | null = null;
    for (;;) {
      const answer: VerifyAnswer = await untilDone((handlers) =>
        handlers.verifyState({ categories, cursor }),
      );
      if (answer.done) return answer;
      cursor = answer.cursor;
    }
  };

  /** By somebody whose profile names another account: its tables are empty, the flat store is the same. */
  const switchElsewhere = async (request: Record<string, unknown>): Promise<void> => {
    const ending = await cluster.processes.spawn((process) =>
      cluster.foreignHandlers(process).switchAuthority(request),
    );
    if (ending.kind !== 'returned' || ending.result.kind === 'already-there') return;
    invariants.violations.push(
      `wrong account: the switch to ${String(request['to'])} was ${ending.result.kind}`,
    );
  };

  return {
    verify,
    async copy() {
      await untilDone((handlers) => handlers.prepareSource({ action: 'install' }));
      const plan = { action: 'plan', runId: 'run' };
      if (faults.happens('doubleStart')) void attempt((handlers) => handlers.planBatches(plan));
      await untilDone((handlers) => handlers.planBatches(plan));
      while (!isCopied()) await scheduler.sleep(1_000);
    },
    async damageAndRepair() {
      damage();
      const damaged = [...world.records.values()].filter(({ body }) => body?.includes('peyload') === true);
      if (damaged.length === 0) return;
      const isStillDamaged = (record: TargetRecord): boolean =>
        world.records.get(recordPk(record.key))?.body === record.body;
      let open = damaged;
      for (let round = 0; open.length > 0; round += 1) {
        const { report } = await verify();
        const found = new Set(report.differences.map(({ key }) => recordPk(key)));
        for (const record of open.filter(({ key }) => found.has(recordPk(key)))) {
          while (isStillDamaged(record)) {
            await untilDone((handlers) => handlers.repairKeys(record.category, [record.key]));
          }
        }
        // A key that is being changed is pending, not different: its damage is overwritten, or found later.
        open = open.filter(isStillDamaged);
        if (round === 20) {
          invariants.violations.push(
            `I11: damage was not found: ${open.map(({ key }) => key.id).join(', ')}`,
          );
          return;
        }
      }
    },
    async repairForNothing(category) {
      const keys = [...world.records.values()]
        .filter((record) => record.category === category && !isCanary(record.key))
        .map(({ key }) => key);
      if (keys.length === 0) return;
      const chosen = keys.slice(randomInt(random, keys.length)).slice(0, 4);
      await attempt((handlers) => handlers.repairKeys(category, chosen));
    },
    async switchTo(category, to) {
      const request = { category, to, requestedBy: 'operator', action: 'switch' };
      if (faults.happens('wrongAccount')) await switchElsewhere(request);
      if (faults.happens('switchAborted')) {
        const started = attempt((handlers) => handlers.switchAuthority(request));
        await scheduler.sleep(400 * random.next());
        await untilDoneOrRefused(attempt, { ...request, action: 'abort' });
        await started;
      }
      if (faults.happens('doubleStart')) void attempt((handlers) => handlers.switchAuthority(request));
      if (to === 'flat' && faults.happens('rollbackTwice')) {
        // A second alarm, while the rollback of the first is on its way.
        scheduler.at(300 * random.next(), () => {
          void attempt((handlers) => handlers.switchAuthority({ ...request, requestedBy: 'alarm' }));
        });
      }
      await untilDone((handlers) => handlers.switchAuthority(request));
    },
  };
}

/** An abort that comes too late is refused, and that is fine. */
async function untilDoneOrRefused(
  attempt: (work: (handlers: Handlers) => Promise<unknown>) => Promise<{ kind: string; error?: unknown }>,
  request: Record<string, unknown>,
): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const ending = await attempt((handlers) => handlers.switchAuthority(request));
    const name = ending.error instanceof Error ? ending.error.name : '';
    if (ending.kind === 'returned' || name === 'SwitchTooFar' || name === 'AuthorityConflict') return;
  }
}
