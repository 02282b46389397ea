import { parentPort } from 'node:worker_threads';

import { explore, type Exploration } from './explore.ts';
import { mutants } from './mutants.ts';
import { productRules } from './rules.ts';
import { scopes } from './scopes.ts';

export interface ExploreTask {
  readonly scope: string;
  readonly mutant: string | null;
}

export type ExploreAnswer = ExploreTask & Exploration;

parentPort?.on('message', (task: ExploreTask) => {
  const limits = scopes[task.scope];
  const rules = { ...productRules, ...(task.mutant === null ? {} : mutants[task.mutant]?.rules) };
  if (limits === undefined) throw new RangeError(`no scope ${task.scope}`);
  parentPort?.postMessage({ ...task, ...explore(limits, rules, 2_000_000) }, []);
});
