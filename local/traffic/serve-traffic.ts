import type { TrafficControl } from './traffic-control.ts';
import type { TrafficCall, TrafficReply } from './traffic-messages.ts';

/** Answers the calls of the parent process. */
export async function answerCall(control: TrafficControl, call: TrafficCall): Promise<TrafficReply> {
  try {
    const method = control[call.method] as (...args: readonly unknown[]) => Promise<unknown>;
    return { kind: 'answer', id: call.id, value: await method(...call.args) };
  } catch (error) {
    return { kind: 'error', id: call.id, message: error instanceof Error ? error.message : String(error) };
  }
}
