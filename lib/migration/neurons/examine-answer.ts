import type { CheckConnectionsAnswer } from './check-connections.ts';
import type { GroupAnswer } from './group-neurons.ts';
import type { SignalTestAnswer } from './test-signals.ts';
import type { VerifyLayersAnswer } from './verify-layers.ts';

/** What the function that looks at the graph answers with. */
export type ExamineNeuronsAnswer =
  | GroupAnswer
  | VerifyLayersAnswer
  | CheckConnectionsAnswer
  | SignalTestAnswer;
