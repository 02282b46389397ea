import { Duration, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

import type { DeployFile } from '../../lib/config/deploy-file.ts';
import { metricNamespace } from '../../lib/kernel/resource-names.ts';
import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import { FlagsConfiguration } from '../constructs/flags-configuration.ts';
import { FlagsExtension } from '../constructs/flags-extension.ts';
import { MigratorFunction } from '../constructs/migrator-function.ts';
import { PhaseWorkflow } from '../constructs/phase-workflow.ts';
import { WorkQueue } from '../constructs/work-queue.ts';
import { wireEventSources } from './event-sources.ts';
import { functionEnvironments } from './function-environments.ts';
import type { FunctionFolder } from './function-environments.ts';
import { grantFunctions } from './function-grants.ts';
import type { StateStack } from './state-stack.ts';

export interface ControlStackProps extends StackProps {
  readonly names: ResourceNames;
  readonly deploy: DeployFile;
  readonly state: StateStack;
}

/** Time one invocation may take; the queues' visibility timeouts are six times their consumer's. */
const timeouts: Readonly<Partial<Record<FunctionFolder, Duration>>> = {
  'migrate-batch': Duration.minutes(5),
  'plan-batches': Duration.minutes(15),
  'switch-authority': Duration.minutes(15),
  'verify-state': Duration.minutes(15),
  'backup-state': Duration.minutes(15),
  'restore-state': Duration.minutes(15),
  'replay-quarantine': Duration.minutes(5),
  'check-integrity': Duration.minutes(15),
  'examine-neurons': Duration.minutes(15),
  'examine-learning': Duration.minutes(15),
  'transfer-records': Duration.minutes(5),
  'verify-audit': Duration.minutes(15),
  'check-sessions': Duration.minutes(15),
  'publish-edition': Duration.minutes(5),
  'benchmark-state': Duration.minutes(5),
  'copy-matching': Duration.minutes(5),
  'sweep-bodies': Duration.minutes(5),
  'prepare-source': Duration.minutes(15),
  'enter-step': Duration.minutes(10),
  'evaluate-gate': Duration.minutes(15),
  'roll-back': Duration.minutes(15),
};

/** Where it is not the default of 512 MB: whole pages are hashed on both sides, and processor share comes with memory. */
const memoriesMb: Readonly<Partial<Record<FunctionFolder, number>>> = {
  'verify-state': 1_024,
  'migrate-batch': 1_024,
};

const schedules: Readonly<Partial<Record<FunctionFolder, object>>> = {
  'plan-batches': { action: 'resume-idle' },
  'relay-changes': { action: 'relay' },
  'reconcile-state': { action: 'continue' },
  'publish-routes': { action: 'reconcile' },
  'check-health': { action: 'check' },
};

/** Everything that acts: the functions, what wakes them, and the workflow that sequences the phases. */
export class ControlStack extends Stack {
  readonly functions: ReadonlyMap<FunctionFolder, MigratorFunction>;
  readonly workflow: PhaseWorkflow;
  readonly flags: FlagsConfiguration;

  constructor(scope: Construct, id: string, props: ControlStackProps) {
    super(scope, id, props);
    const failedEvents = new WorkQueue(this, 'FailedEvents', {
      queueName: props.names.functionName('failed-events'),
      visibilityTimeout: Duration.minutes(5),
    });
    this.flags = new FlagsConfiguration(this, 'Flags', props.names);
    const environments = functionEnvironments({ ...props, flags: this.flags, metricNamespace });
    const { source } = props.deploy;
    const network = source.kind === 'postgres' ? source.network : undefined;
    const functions = new Map<FunctionFolder, MigratorFunction>();
    for (const [folder, environment] of environments) {
      const built = new MigratorFunction(this, pascalCase(folder), {
        folder,
        names: props.names,
        environment,
        timeout: timeouts[folder] ?? Duration.minutes(1),
        ...(memoriesMb[folder] === undefined ? {} : { memoryMb: memoriesMb[folder] }),
        // Only what opens the source is put into its network.
        ...(network === undefined || environment['SOURCE'] === undefined ? {} : { network }),
        deadLetters: failedEvents.queue,
      });
      functions.set(folder, built);
    }
    this.functions = functions;
    grantFunctions({ functions, flags: this.flags, ...props });
    wireEventSources({ functions, ...props });
    this.schedule(failedEvents.queue);
    new FlagsExtension(this, 'FlagsExtension', {
      names: props.names,
      flags: this.flags,
      publishRoutes: this.fn('publish-routes').fn,
    });
    this.workflow = new PhaseWorkflow(this, 'Phases', {
      names: props.names,
      enterStep: this.fn('enter-step').fn,
      evaluateGate: this.fn('evaluate-gate').fn,
      rollBack: this.fn('roll-back').fn,
    });
  }

  fn(folder: FunctionFolder): MigratorFunction {
    const found = this.functions.get(folder);
    if (found === undefined) throw new Error(`no function ${folder}`);
    return found;
  }

  private schedule(deadLetterQueue: Queue): void {
    for (const [folder, input] of Object.entries(schedules) as [FunctionFolder, object][]) {
      new Rule(this, `${pascalCase(folder)}Schedule`, {
        schedule: Schedule.rate(Duration.minutes(1)),
        targets: [
          new LambdaFunction(this.fn(folder).fn, {
            event: RuleTargetInput.fromObject(input),
            deadLetterQueue,
          }),
        ],
      });
    }
  }
}

function pascalCase(folder: string): string {
  return folder.replace(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());
}
