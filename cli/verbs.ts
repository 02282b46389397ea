import type { Command } from 'commander';

import type { CliContext } from './command-context.ts';
import { verbDescriptions, type VerbName } from './verb-descriptions.ts';

type AddVerb = (program: Command, context: CliContext) => void;

/** A verb's module may bring much with it, and the help of the program needs none of them. */
const loadVerb: Readonly<Record<VerbName, () => Promise<AddVerb>>> = {
  demo: async () => (await import('./commands/demo.ts')).addDemoVerb,
  local: async () => (await import('./commands/local.ts')).addLocalVerbs,
  generate: async () => (await import('./commands/generate.ts')).addGenerateVerb,
  'pre-check': async () => (await import('./commands/pre-check.ts')).addPreCheckVerb,
  status: async () => (await import('./commands/status.ts')).addStatusVerb,
  migrate: async () => (await import('./commands/migrate.ts')).addMigrateVerb,
  rollback: async () => (await import('./commands/rollback.ts')).addRollbackVerb,
  traffic: async () => (await import('./commands/traffic.ts')).addTrafficVerb,
  feature: async () => (await import('./commands/feature.ts')).addFeatureVerbs,
  state: async () => (await import('./commands/state.ts')).addStateVerbs,
  'state-migration': async () => (await import('./commands/state-migration.ts')).addStateMigrationVerb,
  neurons: async () => (await import('./commands/neurons.ts')).addNeuronsVerbs,
  learning: async () => (await import('./commands/learning.ts')).addLearningVerbs,
  reconcile: async () => (await import('./commands/reconcile.ts')).addReconcileVerb,
  benchmark: async () => (await import('./commands/benchmark.ts')).addBenchmarkVerb,
  config: async () => (await import('./commands/config.ts')).addConfigVerbs,
  configure: async () => (await import('./commands/configure.ts')).addConfigureVerbs,
  mode: async () => (await import('./commands/mode.ts')).addModeVerbs,
  validate: async () => (await import('./commands/validate.ts')).addValidateVerb,
  phase: async () => (await import('./commands/phase.ts')).addPhaseVerbs,
  report: async () => (await import('./commands/report.ts')).addReportVerb,
  monitor: async () => (await import('./commands/monitor.ts')).addMonitorVerb,
  verify: async () => (await import('./commands/verify.ts')).addVerifyVerb,
};

/** Adds the verb that the command line names with everything below it, and the others by name only. */
export async function addVerbs(
  program: Command,
  context: CliContext,
  argv: readonly string[],
): Promise<void> {
  const named = argv[0] === 'help' ? argv[1] : argv[0];
  for (const [name, description] of Object.entries(verbDescriptions)) {
    if (name === named) (await loadVerb[name as VerbName]())(program, context);
    else program.command(name).description(description);
  }
}
