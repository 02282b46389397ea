import type { TargetOperations } from '../api-service.ts';
import type { WireObject } from '../ports.ts';
import type { InputReader } from '../wire-input.ts';
import { readInput } from '../wire-input.ts';
import type { Execution } from './execution.ts';
import type { Machine, WorkflowRegistry } from './workflow-registry.ts';

export function workflowOperations(registry: WorkflowRegistry): TargetOperations {
  return {
    StartExecution(wire) {
      const input = readInput(wire);
      const execution = registry.start({
        machineArn: input.text('stateMachineArn'),
        name: input.optionalText('name'),
        input: input.optionalText('input'),
      });
      return { executionArn: execution.arn, startDate: execution.startedAtMs / 1000 };
    },
    StopExecution(wire) {
      const input = readInput(wire);
      const stopped = registry.stop(
        input.text('executionArn'),
        input.optionalText('error'),
        input.optionalText('cause'),
      );
      return { stopDate: (stopped.stoppedAtMs ?? 0) / 1000 };
    },
    DescribeExecution: (wire) => describeExecution(registry.execution(readInput(wire).text('executionArn'))),
    GetExecutionHistory(wire) {
      const input = readInput(wire);
      const { events } = registry.execution(input.text('executionArn'));
      const page = paged(
        input,
        input.optionalBoolean('reverseOrder') === true ? events.toReversed() : events,
        100,
      );
      return { events: page.items, nextToken: page.nextToken };
    },
    ListExecutions(wire) {
      const input = readInput(wire);
      const machine = registry.machine(input.text('stateMachineArn'));
      const status = input.optionalText('statusFilter');
      const chosen = registry
        .executions()
        .filter(
          (execution) =>
            execution.machineArn === machine.arn && (status ?? execution.status) === execution.status,
        );
      const page = paged(input, chosen, 100);
      return { executions: page.items.map(summarizeExecution), nextToken: page.nextToken };
    },
    ListStateMachines: () => ({ stateMachines: registry.machines().map(summarizeMachine) }),
    DescribeStateMachine(wire) {
      const machine = registry.machine(readInput(wire).text('stateMachineArn'));
      return {
        ...summarizeMachine(machine),
        status: 'ACTIVE',
        definition: JSON.stringify(machine.definition),
        roleArn: 'arn:aws:iam::000000000000:role/local',
      };
    },
  };
}

function summarizeMachine(machine: Machine): WireObject {
  return {
    stateMachineArn: machine.arn,
    name: machine.name,
    type: 'STANDARD',
    creationDate: machine.createdAtMs / 1000,
  };
}

function summarizeExecution(execution: Execution): WireObject {
  return {
    executionArn: execution.arn,
    stateMachineArn: execution.machineArn,
    name: execution.name,
    status: execution.status,
    startDate: execution.startedAtMs / 1000,
    ...(execution.stoppedAtMs !== undefined && { stopDate: execution.stoppedAtMs / 1000 }),
  };
}

function describeExecution(execution: Execution): WireObject {
  return {
    ...summarizeExecution(execution),
    input: execution.input,
    inputDetails: { included: true },
    output: execution.output,
    error: execution.error,
    cause: execution.cause,
  };
}

/** `nextToken` is the place of the first item of the page. */
function paged<T>(
  input: InputReader,
  items: readonly T[],
  size: number,
): { items: readonly T[]; nextToken?: string } {
  const from = Number(input.optionalText('nextToken') ?? 0);
  const next = from + (input.optionalNumber('maxResults') ?? size);
  return { items: items.slice(from, next), ...(next < items.length && { nextToken: String(next) }) };
}
