import * as z from 'zod/mini';

import { HalError } from '../kernel/errors.ts';
import { describeSchemaIssue } from '../kernel/schema-issue.ts';

/** Who wants a rollback and how far, whatever the event looked like. */
export interface RollbackRequest {
  /** The same incident asks with the same id, however often it is delivered. */
  readonly rollbackId: string;
  readonly trigger: string;
  readonly isAutomatic: boolean;
  readonly reason: string;
  readonly triggeredAtMs: number;
  /** null: the way back that the phase table gives. */
  readonly toPhase: string | null;
  /** Share that the hierarchical system keeps. */
  readonly trafficThousandths: number;
  /** Keeps everybody on flat until an operator releases it. */
  readonly killSwitch: boolean;
  /** Moves the authority over the state back whatever the record says. */
  readonly restoreAuthority: boolean;
  /** Everything back to flat, from wherever the migration stands; what was copied is kept. */
  readonly isComplete: boolean;
  /** The run and execution that the workflow speaks for; others are not its business. */
  readonly only: { readonly runId: string; readonly routingEpoch: number; readonly execution: number } | null;
}

export type ParsedRequest =
  | { readonly kind: 'request'; readonly request: RollbackRequest }
  /** An alarm that went back to normal. */
  | { readonly kind: 'ignored'; readonly why: string };

/** As CloudWatch invokes a function for an alarm. */
const alarmEvent = z.object({
  source: z.literal('aws.cloudwatch'),
  alarmData: z.object({
    alarmName: z.string(),
    state: z.object({
      value: z.string(),
      reason: z.optional(z.string()),
      timestamp: z.optional(z.string()),
    }),
  }),
});

const workflowEvent = z.object({
  source: z.literal('workflow'),
  runId: z.string(),
  routingEpoch: z.int(),
  execution: z.int(),
  reason: z.string(),
  fault: z.optional(z.unknown()),
});

const operatorEvent = z.object({
  requestedBy: z.string().check(z.minLength(1)),
  reason: z.optional(z.string()),
  requestId: z.optional(z.string()),
  toPhase: z.optional(z.string()),
  trafficThousandths: z.optional(z.int().check(z.gte(0), z.lte(100_000))),
  emergency: z.optional(z.boolean()),
  complete: z.optional(z.boolean()),
  force: z.optional(z.boolean()),
});

/** Reads an alarm's event, the workflow's or an operator's. Throws a HalError `RollbackRequestInvalid`. */
export function parseRollbackRequest(event: unknown, nowMs: number): ParsedRequest {
  const alarm = z.safeParse(alarmEvent, event);
  if (alarm.success) return fromAlarm(alarm.data, nowMs);
  const workflow = z.safeParse(workflowEvent, event);
  if (workflow.success) return { kind: 'request', request: fromWorkflow(workflow.data, nowMs) };
  const operator = z.safeParse(operatorEvent, event);
  if (operator.success) return { kind: 'request', request: fromOperator(operator.data, nowMs) };
  const faults = operator.error.issues.map(describeSchemaIssue);
  throw new HalError({
    name: 'RollbackRequestInvalid',
    message: `This is no rollback request: ${faults.join('; ')}.`,
    remedy: 'Send an alarm event, or {"requestedBy": "...", "reason": "..."}.',
    exit: 'usage',
    facts: { faults },
  });
}

function fromAlarm({ alarmData }: z.infer<typeof alarmEvent>, nowMs: number): ParsedRequest {
  const { alarmName, state } = alarmData;
  if (state.value !== 'ALARM') return { kind: 'ignored', why: `${alarmName} is ${state.value}` };
  const atMs = Date.parse(state.timestamp ?? '');
  const request: RollbackRequest = {
    rollbackId: `alarm/${alarmName}/${state.timestamp ?? nowMs}`,
    trigger: `alarm:${alarmName}`,
    isAutomatic: true,
    reason: (state.reason ?? 'the alarm was raised').slice(0, 500),
    triggeredAtMs: Number.isNaN(atMs) ? nowMs : atMs,
    toPhase: null,
    trafficThousandths: 0,
    killSwitch: false,
    restoreAuthority: false,
    isComplete: false,
    only: null,
  };
  return { kind: 'request', request };
}

function fromWorkflow(event: z.infer<typeof workflowEvent>, nowMs: number): RollbackRequest {
  const { runId, routingEpoch, execution } = event;
  const fault = event.fault === undefined ? '' : `: ${JSON.stringify(event.fault)}`;
  return {
    rollbackId: `workflow/${runId}/${routingEpoch}/${execution}`,
    trigger: 'workflow',
    isAutomatic: true,
    reason: `${event.reason}${fault}`.slice(0, 500),
    triggeredAtMs: nowMs,
    toPhase: null,
    trafficThousandths: 0,
    killSwitch: false,
    restoreAuthority: false,
    isComplete: false,
    only: { runId, routingEpoch, execution },
  };
}

function fromOperator(event: z.infer<typeof operatorEvent>, nowMs: number): RollbackRequest {
  const isComplete = event.complete === true;
  return {
    rollbackId: `operator/${event.requestId ?? `${event.requestedBy}/${nowMs}`}`,
    trigger: `operator:${event.requestedBy}`,
    isAutomatic: false,
    reason: (event.reason ?? 'requested').slice(0, 500),
    triggeredAtMs: nowMs,
    toPhase: event.toPhase ?? null,
    trafficThousandths: event.trafficThousandths ?? 0,
    killSwitch: event.emergency === true,
    restoreAuthority: isComplete || event.force === true,
    isComplete,
    only: null,
  };
}
