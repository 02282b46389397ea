/**
 * The command lines of the state runbook, as operators type them, by the journey that runs them. `$(...)`, `$layer` and
 * TIMESTAMP stand for what the shell or the operator puts there.
 */
export const runbookLines = {
  'state-runbook': `
state checkpoint --name "pre-state-migration-$(date +%Y%m%d-%H%M%S)" --full-backup --verify
state export-manifest --checkpoint latest --output state-manifest.json
state verify --deep --compare flat,hierarchical --report consistency-report.json
configure state-migration --batch-size 1000 --rate-limit 100/s --parallel-workers 4 --validation-mode strict
configure reconciliation --interval 30s --auto-fix true --alert-threshold 0.01
mode migration --enable
state migrate --category user-sessions --filter "active=true" --priority high
state progress --category user-sessions
state validate --category user-sessions --tests continuity,integrity,performance
state migrate --category user-sessions --filter "active=false" --batch-mode --low-priority
neurons snapshot --pre-migration
neurons group --by layer --output neuron-groups.json
state migrate --category neuron-states --filter "layer=$layer" --validate-each --checkpoint-interval 1000
neurons verify --layer $layer
neurons validate-connections --deep --fix-orphaned
neurons test-signals --samples 1000 --verify-paths
learning export --system flat --format hierarchical --output learning-export/
learning transform --input learning-export/ --output learning-hierarchical/ --validate-schemas
learning import --input learning-hierarchical/ --system hierarchical --preserve-timestamps --batch-size 10000
learning test --patterns 100 --compare-systems
learning verify-gradients --sample-size 1000
config export --all --output config-backup.json
state migrate --category configuration --atomic --verify-each
config compare --system1 flat --system2 hierarchical --report config-diff.txt
config test-reload --changes 10 --verify-application
state migrate --category metadata --type metrics,logs,traces
state migrate --category metadata --type audit --preserve-order
reconcile --full --fix-mode auto --report reconcile-report.json
state verify --all-categories --checksums --cross-reference
benchmark --operations read,write,update --categories all --compare-systems
mode migration --disable-dual-write
state status
`,
  'state-runbook-after': `
mode migration --disable-dual-write
state status
state checkpoint --name "post-state-migration-$(date +%Y%m%d-%H%M%S)" --description "State migration completed"
phase complete state-migration
report --phase state-migration --detailed --output state-migration-report.pdf
validate --phase state-migration --comprehensive
monitor --phase post-state-migration --duration 24h --alert-on-drift
state rollback --category neuron-states --to-checkpoint latest --preserve-others
state recover --from-backup --validate-each --quarantine-corrupted
state diff --systems flat,hierarchical --verbose
state fix --auto --safe-only
state fix --interactive --guidance
configure state-migration --rate-limit 50/s --parallel-workers 2
state stats --resources
state validate --failed-only --debug --suggestions
state validate --category user-sessions --fix-and-retry
state rollback --to-checkpoint "pre-state-migration-TIMESTAMP" --force
mode flat-only --force
`,
} as const;

/** What the runbook also types, into programs that are not this one, and what this one has for the same question. */
export const otherPrograms: readonly { readonly line: string; readonly of: string; readonly here: string }[] =
  [
    {
      line: 'hal9-cli ux-test --sample-users 100 --verify-sessions',
      of: 'the client of the HAL9 server',
      here: 'state validate',
    },
    { line: 'watch -n 5', of: 'the machine: repeats a command', here: 'state progress' },
    {
      line: 'for layer in substrate protocol cognitive orchestration intelligence',
      of: 'the shell',
      here: 'neurons verify',
    },
    { line: 'echo "=== Migrating $layer neurons ==="', of: 'the shell', here: 'neurons verify' },
    { line: 'du -sh learning-export/', of: 'the machine', here: 'learning export' },
    { line: 'ls -la learning-export/ | wc -l', of: 'the machine', here: 'learning export' },
    {
      line: 'tail -f /var/log/hal9/reconciliation.log',
      of: 'the machine of the HAL9 server',
      here: 'monitor',
    },
  ];

export type RunbookJourney = keyof typeof runbookLines;

export function linesOf(journey: RunbookJourney): readonly string[] {
  return runbookLines[journey].trim().split('\n');
}

/** Quotes as a shell has them. */
export function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** The lines of a journey that none of the commands was. */
export function linesNotRun(journey: RunbookJourney, commands: readonly string[]): readonly string[] {
  const run = commands.map(partsOf);
  return linesOf(journey).filter((line) => {
    const said = partsOf(line);
    return !run.some((command) => isLine(said, command));
  });
}

interface Parts {
  readonly verbs: string;
  readonly options: ReadonlyMap<string, string>;
}

function partsOf(line: string): Parts {
  const [verbs = [], ...options] = grouped(wordsOf(line));
  return {
    verbs: verbs.join(' '),
    options: new Map(options.map(([name = '', ...values]) => [name, values.join(' ')])),
  };
}

/** The verbs, then each option with its values. */
function grouped(words: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [[]];
  for (const word of words) {
    if (word.startsWith('-')) groups.push([]);
    groups.at(-1)?.push(word);
  }
  return groups;
}

/** Whether a command has everything that the line says; it may have more. */
function isLine(said: Parts, command: Parts): boolean {
  if (said.verbs !== command.verbs) return false;
  return [...said.options].every(([name, value]) => {
    const given = command.options.get(name);
    return given !== undefined && isValue(value, given);
  });
}

function isValue(said: string, given: string): boolean {
  const [fixed = ''] = said.split(/\$|TIMESTAMP/);
  if (fixed !== said) return given.startsWith(fixed) && given.length > fixed.length;
  // Nobody waits for a day in a test, and files are in a folder of the test.
  if (/^\d+h$/.test(said)) return /^\d+(ms|s|m)$/.test(given);
  return given === said || trimmed(given).endsWith(`/${trimmed(said)}`);
}

function trimmed(path: string): string {
  return path.replace(/\/$/, '');
}
