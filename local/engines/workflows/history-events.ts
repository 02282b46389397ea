import type { WireObject } from '../ports.ts';
import { isObject } from '../wire-input.ts';

export interface HistoryEvent {
  readonly type: string;
  readonly details: WireObject;
}

/** What the history shows for an event of the interpreter; undefined for those that AWS does not record. */
export function historyEvent(
  event: unknown,
  stateTypes: ReadonlyMap<string, string>,
): HistoryEvent | undefined {
  if (!isObject(event)) {
    return undefined;
  }
  return String(event['type']).startsWith('MapIteration')
    ? mapIteration(event)
    : stateEvent(event, stateTypes);
}

function stateEvent(event: WireObject, stateTypes: ReadonlyMap<string, string>): HistoryEvent | undefined {
  const state = isObject(event['state']) ? event['state'] : {};
  const name = String(state['name']);
  const type = stateTypes.get(name) ?? String(state['type']);
  switch (event['type']) {
    case 'StateEntered':
      return {
        type: `${type}StateEntered`,
        details: { stateEnteredEventDetails: { name, input: JSON.stringify(state['input'] ?? null) } },
      };
    case 'StateExited':
      return {
        type: `${type}StateExited`,
        details: { stateExitedEventDetails: { name, output: JSON.stringify(state['output'] ?? null) } },
      };
    case 'StateFailed':
      return type === 'Task' ? taskFailed(event) : undefined;
    default:
      return undefined;
  }
}

function taskFailed(event: WireObject): HistoryEvent {
  const cause = event['Cause'];
  return {
    type: 'TaskFailed',
    details: {
      taskFailedEventDetails: {
        resourceType: 'lambda',
        resource: 'invoke',
        error: event['Error'],
        cause: typeof cause === 'string' ? cause : JSON.stringify(cause),
      },
    },
  };
}

function mapIteration(event: WireObject): HistoryEvent {
  const type = String(event['type']);
  const parent = isObject(event['parentState']) ? event['parentState'] : {};
  const member = `${type.charAt(0).toLowerCase()}${type.slice(1)}EventDetails`;
  return { type, details: { [member]: { name: parent['name'], index: event['index'] } } };
}
