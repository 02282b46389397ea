/** The verbs of the first level, in the order of the help. */
export const verbDescriptions = {
  demo: 'run a whole migration on this machine, break it twice, and check that nothing was lost',
  local: 'the local cloud: the synthesized templates on embedded engines',
  generate: 'write a flat HAL9 store with all five categories into a new SQLite file',
  'pre-check': 'everything that should hold before a phase is entered',
  status: 'phase, traffic, run and alarms',
  migrate: 'enter a phase, or run the whole plan; goes on where it was held or rolled back',
  rollback: 'take traffic back at once, and the state with it where it has moved; never asks',
  traffic: 'where requests are sent, by flags, by routes and by what was measured',
  feature: 'feature flags, as AppConfig has them',
  state: 'the five state categories: copy, follow, verify',
  neurons: 'the graph of neurons: layers, connections, signals, in both systems',
  learning: 'export, transform and import what was learned; ask both systems, and compare their answers',
  'state-migration': 'stop the copy of the state where it is, or let it go on; see whether it may run',
  reconcile: 'compare both sides and repair what differs, never over anything newer',
  benchmark: 'time reads and writes of single records on both sides, and compare them',
  config: 'the configuration as its readers see it: publish, export, compare, test the reload',
  configure: 'limits of the copy, of a switch and of reconciliation, changeable while they run',
  mode: 'where writes go: flat only, dual write, hierarchical only',
  validate: 'judge the migrated state: schema, integrity, consistency; strict or lenient',
  phase: 'mark the state phase complete after it was gone through command by command',
  report: 'what became of the state phase, from what was written down while it ran',
  monitor: 'compare both sides again and again for hours or days, and say when they drift apart',
  verify: 'run verification tests against what is deployed',
} as const;

export type VerbName = keyof typeof verbDescriptions;
