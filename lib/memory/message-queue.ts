import { encodeChangeMessage, encodeRangeTask } from '../migration/message-encoding.ts';
import type { ChangeQueue, RangeQueue } from '../migration/ports.ts';
import { uninterrupted, type Interleave } from './interleave.ts';

/** Where sent messages go, encoded as they are in the real queues. */
export type MessageSink = (body: string) => void;

export function makeMemoryRangeQueue(
  sink: MessageSink,
  interleave: Interleave = uninterrupted,
  waitingCount: () => number = () => 0,
): RangeQueue {
  return {
    async send(tasks) {
      await interleave('rangeQueue.send:call');
      for (const task of tasks) sink(encodeRangeTask(task));
      await interleave('rangeQueue.send:reply');
    },
    async hasWaiting() {
      await interleave('rangeQueue.hasWaiting:read');
      return waitingCount() > 0;
    },
  };
}

export function makeMemoryChangeQueue(
  sink: MessageSink,
  interleave: Interleave = uninterrupted,
): ChangeQueue {
  return {
    async send(message) {
      await interleave('changeQueue.send:call');
      sink(encodeChangeMessage(message));
      await interleave('changeQueue.send:reply');
    },
  };
}
