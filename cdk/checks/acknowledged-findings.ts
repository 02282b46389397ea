import type { ControlStack } from '../stacks/control-stack.ts';
import type { EdgeStack } from '../stacks/edge-stack.ts';
import type { MonitoringStack } from '../stacks/monitoring-stack.ts';
import type { StateStack } from '../stacks/state-stack.ts';

export interface Stacks {
  readonly state: StateStack;
  readonly edge: EdgeStack;
  readonly control: ControlStack;
  readonly monitoring: MonitoringStack;
}

export function acknowledgeFindings(_stacks: Stacks): void {}
