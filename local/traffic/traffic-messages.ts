import type { TrafficControl } from './traffic-control.ts';

export type TrafficMethod = keyof TrafficControl;

/** From the parent to the process of the users. */
export interface TrafficCall {
  readonly id: number;
  readonly method: TrafficMethod;
  readonly args: readonly unknown[];
}

/** From the process of the users to its parent. `ready` comes once, when the rows to work on are sampled. */
export type TrafficReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly message: string };

/** Name of the environment variable with the options, as JSON. */
export const trafficOptionsVariable = 'HAL9_TRAFFIC_OPTIONS';

export const trafficMethods: readonly TrafficMethod[] = [
  'beginWindow',
  'endWindow',
  'waitForAcks',
  'beginFault',
  'endFault',
  'pause',
  'resume',
  'setRate',
  'stats',
  'stop',
];
