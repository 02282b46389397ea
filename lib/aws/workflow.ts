import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  StartExecutionCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';

import type { Workflow } from '../orchestrator/ports.ts';

export interface WorkflowDeps {
  readonly client: SFNClient;
  /** ARN of the state machine. */
  readonly stateMachineArn: string;
}

/** Executions of the phases' state machine. */
export function makeWorkflow({ client, stateMachineArn }: WorkflowDeps): Workflow {
  const executionArn = (name: string): string =>
    `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

  return {
    async start(name, input) {
      try {
        await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
      } catch (fault) {
        if (!(fault instanceof ExecutionAlreadyExists)) throw fault;
      }
    },
    async state(name) {
      try {
        const { status } = await client.send(
          new DescribeExecutionCommand({ executionArn: executionArn(name) }),
        );
        return status === 'RUNNING' || status === 'PENDING_REDRIVE' ? 'running' : 'ended';
      } catch (fault) {
        if (fault instanceof ExecutionDoesNotExist) return 'unknown';
        throw fault;
      }
    },
  };
}
