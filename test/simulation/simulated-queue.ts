import { randomInt, type Random } from '../../lib/kernel/random.ts';
import type { PartialBatchResponse, QueueEvent } from '../../lib/kernel/partial-batch.ts';
import type { Faults } from './faults.ts';
import type { Ending } from './processes.ts';
import type { Scheduler } from './scheduler.ts';

/** Answer of one invocation of the consumer. */
export type Consume = (event: QueueEvent) => Promise<Ending<PartialBatchResponse>>;

export interface SimulatedQueue {
  send(body: string): void;
  size(): number;
  /** Messages that a consumer could receive now. */
  visible(): number;
  /** Messages that were received too often come back, as after a redrive by the operator; the unreadable ones once. */
  redrive(): void;
}

interface Message {
  readonly id: string;
  readonly body: string;
  receives: number;
  redriven: boolean;
  visibleAtMs: number;
}

const visibilityMs = 12_000;
const maxReceives = 5;
/** What no consumer can ever read. */
const poisonBody = '{"category":"nobody knows it"}';

/** A standard queue with its event source: at least once, in any order, with a visibility timeout that can expire. */
export function makeSimulatedQueue(
  world: { readonly scheduler: Scheduler; readonly faults: Faults; readonly random: Random },
  options: { readonly consumers: number; readonly consume: Consume },
): SimulatedQueue {
  const { scheduler, faults, random } = world;
  const messages: Message[] = [];
  const dead: Message[] = [];
  let sent = 0;
  let busy = 0;

  const add = (body: string, delayMs: number, redriven = false): void => {
    sent += 1;
    messages.push({ id: `m${sent}`, body, receives: 0, redriven, visibleAtMs: scheduler.nowMs() + delayMs });
    scheduler.at(delayMs, pump);
  };

  const receive = (): Message[] => {
    const visible = messages.filter((message) => message.visibleAtMs <= scheduler.nowMs());
    const batch: Message[] = [];
    const limit = 1 + randomInt(random, 5);
    while (visible.length > 0 && batch.length < limit) {
      const at =
        visible.length > 1 && faults.happens('messageReordered') ? randomInt(random, visible.length) : 0;
      batch.push(...visible.splice(at, 1));
    }
    for (const message of batch) {
      message.receives += 1;
      // Too short for the work: others receive it while it is being worked on.
      const heldMs = faults.happens('visibilityExpired') ? 20 + 300 * random.next() : visibilityMs;
      message.visibleAtMs = scheduler.nowMs() + heldMs;
      scheduler.at(heldMs, pump);
    }
    return batch;
  };

  const pump = (): void => {
    const isStorm = messages.length > 1 && faults.happens('coldStartStorm');
    while (busy < options.consumers + (isStorm ? 6 : 0)) {
      const batch = receive();
      if (batch.length === 0) return;
      busy += 1;
      void (isStorm ? afterColdStart(batch) : consumeBatch(batch));
    }
  };

  const afterColdStart = async (batch: readonly Message[]): Promise<void> => {
    await scheduler.sleep(100 + 2_000 * random.next());
    await consumeBatch(batch);
  };

  const consumeBatch = async (batch: readonly Message[]): Promise<void> => {
    const Records = batch.map(({ id, body }) => ({
      messageId: id,
      body: faults.happens('malformedBody') ? body.slice(0, randomInt(random, body.length)) : body,
    }));
    const ending = await options.consume({ Records });
    busy -= 1;
    for (const message of batch) {
      if (isDone(ending, message.id)) remove(messages, message);
      else if (message.receives >= maxReceives && remove(messages, message)) dead.push(message);
    }
    scheduler.at(0, pump);
  };

  return {
    send(body) {
      if (faults.happens('messageLost')) return;
      if (faults.happens('poisonMessage')) add(poisonBody, 0);
      const isLate = faults.happens('messageDelayed');
      add(body, isLate ? 60_000 * random.next() : 20 * random.next());
      if (faults.happens('messageDuplicated'))
        add(body, random.next() < 0.5 ? 500 * random.next() : 180_000 * random.next() ** 2);
    },
    size: () => messages.length,
    visible: () => messages.filter(({ visibleAtMs }) => visibleAtMs <= scheduler.nowMs()).length,
    redrive() {
      for (const message of dead.splice(0)) {
        faults.count('deadLetterRedriven');
        if (message.body === poisonBody && message.redriven) continue;
        add(message.body, 0, true);
      }
    },
  };
}

function isDone(ending: Ending<PartialBatchResponse>, id: string): boolean {
  if (ending.kind !== 'returned') return false;
  return !ending.result.batchItemFailures.some(({ itemIdentifier }) => itemIdentifier === id);
}

function remove(messages: Message[], message: Message): boolean {
  const at = messages.indexOf(message);
  if (at >= 0) messages.splice(at, 1);
  return at >= 0;
}
