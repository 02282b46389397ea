import { RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';

import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import { workflowDefinition } from '../../lib/orchestrator/workflow-definition.ts';
import { acknowledgeWildcard } from '../checks/acknowledge.ts';

export interface PhaseWorkflowProps {
  readonly names: ResourceNames;
  readonly enterStep: IFunction;
  readonly evaluateGate: IFunction;
  readonly rollBack: IFunction;
}

/** The state machine, generated from the one phase table. */
export class PhaseWorkflow extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, props: PhaseWorkflowProps) {
    super(scope, id);
    const definition = workflowDefinition({
      enterStep: props.enterStep.functionArn,
      evaluateGate: props.evaluateGate.functionArn,
      rollBack: props.rollBack.functionArn,
    });
    this.machine = new StateMachine(this, 'Machine', {
      stateMachineName: props.names.workflow,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(JSON.stringify(definition)),
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(this, 'Logs', {
          logGroupName: `/aws/vendedlogs/states/${props.names.workflow}`,
          retention: RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        includeExecutionData: true,
      },
    });
    this.machine.addToRolePolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [props.enterStep, props.evaluateGate, props.rollBack].map((task) => task.functionArn),
      }),
    );
    acknowledgeWildcard(this.machine, '*', 'X-Ray segments and vended log delivery know no resources.');
  }
}
