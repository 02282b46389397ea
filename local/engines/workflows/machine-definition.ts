import type { StateMachineDefinition } from 'aws-local-stepfunctions';

import { HalError } from '../../../lib/kernel/errors.ts';
import type { WireObject } from '../ports.ts';
import { isObject } from '../wire-input.ts';

/** A machine as the interpreter runs it: waits have become tasks that we answer, and no timer is too long for Node. */
export interface RunnableMachine {
  readonly definition: StateMachineDefinition;
  /** Every Task and Wait state, at any depth, by its name. */
  readonly tasks: ReadonlyMap<string, TaskKind>;
  /** The type of every state as it was written, for the history. */
  readonly stateTypes: ReadonlyMap<string, string>;
}

export type TaskKind =
  | { readonly kind: 'wait'; readonly state: WireObject }
  /** The task's input is the payload. */
  | { readonly kind: 'function'; readonly functionArn: string }
  /** `lambda:invoke`: the input names the function and holds the payload. */
  | { readonly kind: 'invoke' }
  | { readonly kind: 'execution'; readonly mode: 'start' | 'sync' | 'sync-json' };

/** Node's timers overflow beyond this, and then fire at once. */
const longestTimeoutS = 2_000_000;
const waitResource = 'arn:aws:lambda:us-east-1:000000000000:function:wait';

/** Throws `UnsupportedMachine` when the definition needs something that the local interpreter would silently get wrong. */
export function makeRunnable(name: string, definition: WireObject, timeScale: number): RunnableMachine {
  const tasks = new Map<string, TaskKind>();
  const stateTypes = new Map<string, string>();
  const rewrite = (machine: WireObject): WireObject => {
    refuseQueryLanguage(name, machine);
    const states = isObject(machine['States']) ? machine['States'] : {};
    const rewritten = Object.entries(states).map(([stateName, state]) => {
      const known = isObject(state) ? state : {};
      stateTypes.set(stateName, String(known['Type']));
      return [stateName, rewriteState(stateName, known)] as const;
    });
    return { ...withoutLongTimeout(machine), States: Object.fromEntries(rewritten) };
  };
  const rewriteState = (stateName: string, state: WireObject): WireObject => {
    refuseQueryLanguage(`${name}.${stateName}`, state);
    switch (state['Type']) {
      case 'Wait':
        tasks.set(stateName, { kind: 'wait', state });
        return waitAsTask(state);
      case 'Task':
        tasks.set(stateName, taskKind(`${name}.${stateName}`, String(state['Resource'])));
        return { ...scaleRetries(state, timeScale), TimeoutSeconds: taskTimeout(state) };
      default:
        return scaleRetries(rewriteNested(state, rewrite), timeScale);
    }
  };
  return { definition: rewrite(definition) as unknown as StateMachineDefinition, tasks, stateTypes };
}

function rewriteNested(state: WireObject, rewrite: (machine: WireObject) => WireObject): WireObject {
  const nested: Record<string, unknown> = {};
  for (const member of ['Iterator', 'ItemProcessor']) {
    const machine = state[member];
    if (isObject(machine)) {
      nested[member] = rewrite(machine);
    }
  }
  const branches = state['Branches'];
  if (Array.isArray(branches)) {
    nested['Branches'] = branches.filter(isObject).map(rewrite);
  }
  return { ...state, ...nested };
}

function refuseQueryLanguage(where: string, holder: WireObject): void {
  if ((holder['QueryLanguage'] ?? 'JSONPath') !== 'JSONPath') {
    throw unsupported(where, 'its query language is not JSONPath');
  }
  for (const member of ['Assign', 'ItemReader', 'ItemBatcher', 'ResultWriter', 'HeartbeatSeconds']) {
    if (holder[member] !== undefined) {
      throw unsupported(where, `it uses ${member}`);
    }
  }
}

function withoutLongTimeout(machine: WireObject): WireObject {
  const { TimeoutSeconds: timeoutS, ...rest } = machine;
  return typeof timeoutS === 'number' && timeoutS <= longestTimeoutS ? machine : rest;
}

/** The interpreter's own default is a minute, which is shorter than a Lambda function may take. */
function taskTimeout(state: WireObject): number {
  const given = state['TimeoutSeconds'];
  return typeof given === 'number' ? Math.min(given, longestTimeoutS) : longestTimeoutS;
}

function waitAsTask(state: WireObject): WireObject {
  const kept = Object.entries(state).filter(([member]) =>
    ['Comment', 'InputPath', 'OutputPath', 'Next', 'End'].includes(member),
  );
  return {
    ...Object.fromEntries(kept),
    Type: 'Task',
    Resource: waitResource,
    TimeoutSeconds: longestTimeoutS,
  };
}

function scaleRetries(state: WireObject, timeScale: number): WireObject {
  const retriers = state['Retry'];
  if (!Array.isArray(retriers) || timeScale === 1) {
    return state;
  }
  const scaled = retriers.filter(isObject).map((retrier) => {
    const longestS = retrier['MaxDelaySeconds'];
    return {
      ...retrier,
      IntervalSeconds: scaleDelay(Number(retrier['IntervalSeconds'] ?? 1), timeScale),
      ...(typeof longestS === 'number' && { MaxDelaySeconds: scaleDelay(longestS, timeScale) }),
    };
  });
  return { ...state, Retry: scaled };
}

/** What a retry waits for, such as a restarted process, takes its real time: a second is left to it. */
function scaleDelay(delayS: number, timeScale: number): number {
  return Math.min(delayS, Math.max(1, delayS / timeScale));
}

const executionModes: Readonly<Record<string, 'start' | 'sync' | 'sync-json'>> = {
  'arn:aws:states:::states:startExecution': 'start',
  'arn:aws:states:::states:startExecution.sync': 'sync',
  'arn:aws:states:::states:startExecution.sync:2': 'sync-json',
};

function taskKind(where: string, resource: string): TaskKind {
  if (resource === 'arn:aws:states:::lambda:invoke') {
    return { kind: 'invoke' };
  }
  const mode = executionModes[resource];
  if (mode !== undefined) {
    return { kind: 'execution', mode };
  }
  if (/^arn:aws:lambda:[^:]*:[^:]*:function:/u.test(resource)) {
    return { kind: 'function', functionArn: resource };
  }
  throw unsupported(where, `the local cloud cannot run the task ${resource}`);
}

function unsupported(where: string, reason: string): HalError {
  return new HalError({
    name: 'UnsupportedMachine',
    message: `state machine ${where}: ${reason}`,
    remedy: 'keep to JSONPath, to Lambda tasks and to nested executions',
    exit: 'failed',
    facts: { where, reason },
  });
}
