import { globSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';
import { describe, expect, test } from 'vitest';

import { verbDescriptions } from '../../cli/verb-descriptions.ts';
import { addVerbs } from '../../cli/verbs.ts';
import { captured, onlyDocument } from './captured-cli.ts';

const nowhere = join(tmpdir(), 'hal9-no-cloud-here');

/** Lines of the runbooks, as operators type them. */
const lines = `
state checkpoint -n "pre-canary" -d "Before canary deployment"
state export -o pre-migration-state.json
state checkpoint -n "pre-state-migration" -d "Before state migration"
state restore -c pre-state-migration
state checkpoint --name "pre-state-migration" --full-backup --verify
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
state migrate --category neuron-states --filter "layer=substrate" --validate-each --checkpoint-interval 1000
neurons verify --layer substrate
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
state checkpoint --name "post-state-migration" --description "State migration completed"
phase complete state-migration
validate --phase state-migration --comprehensive
state rollback --to-checkpoint "pre-state-migration-TIMESTAMP" --force
mode flat-only --force
state rollback --category neuron-states --to-checkpoint latest --preserve-others
state recover --from-backup --validate-each --quarantine-corrupted
state diff --systems flat,hierarchical --verbose
state fix --auto --safe-only
state fix --interactive --guidance
configure state-migration --rate-limit 50/s --parallel-workers 2
state stats --resources
state validate --failed-only --debug --suggestions
state validate --category user-sessions --fix-and-retry
state-migration --stop
state list-checkpoints
state restore --checkpoint "pre-state-migration-TIMESTAMP"
state verify --deep
`
  .trim()
  .split('\n');

async function fault(line: string): Promise<{ readonly name: string; readonly code: number }> {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const { code, out } = await captured([...words, '--json', '--data', nowhere]);
  return { name: (onlyDocument(out)['error'] as { name: string }).name, code };
}

describe('a line of the runbooks', () => {
  test.each(lines)('%s is understood, and only lacks somebody to talk to', async (line) => {
    const { name } = await fault(line);

    // Files come before the connection.
    const reads = line.startsWith('learning transform');
    expect(name).toBe(reads ? 'TransferMissing' : 'LocalCloudNotRunning');
  });
});

describe('an option', () => {
  test.each([
    'state migrate --priority high',
    'state migrate --filter active=true --priority high --low-priority',
    'state verify --all-categories --category metadata',
    'state checkpoint -n x --verify',
    'state checkpoint -n x --counts-only --full-backup',
    'state progress --interval 3',
    'status --interval 3',
    'state rollback --checkpoint a --to-checkpoint b',
    'state audit --dry-run',
    'state validate --strict --lenient',
    'mode migration --enable --category metadata',
    'rollback --percentage 5 --target 10',
  ])('that would be ignored is refused: %s', async (line) => {
    expect(await fault(line)).toEqual({ name: 'OptionsConflict', code: 2 });
  });

  test.each([
    'state migrate --priority soon',
    'state migrate --checkpoint-interval 10',
    'state verify --compare flat',
    'state diff --systems flat,legacy',
    'learning export --system hierarchical --output x',
    'learning export --format rows --output x',
    'learning import --system flat --input x',
  ])('with a value that it cannot have is refused: %s', async (line) => {
    expect(await fault(line)).toEqual({ name: 'BadOptionValue', code: 2 });
  });

  test('that asks for what is done anyway is answered', async () => {
    const { err } = await captured(['state', 'verify', '--checksums', '--deep', '--data', nowhere]);

    expect(err).toContain('--checksums: hashes are computed again from the content, as always.');
    expect(err).toContain('--deep: every record is compared, as always.');
  });

  test('that is declared is read by somebody', async () => {
    const source = globSync('cli/**/*.ts')
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
      .split('\n')
      // Neither comments and help texts, nor members of types.
      .filter((text) => !/^\s*(\*|\/\/|')|ption\($|\.(requiredO|o)ption\(/.test(text))
      .filter((text) => !/^\s*(readonly )?\w+\??: [^,(]*;$/.test(text))
      .join('\n');
    const unread: string[] = [];
    let looked = 0;
    for (const verb of Object.keys(verbDescriptions)) {
      const program = new Command('program');
      await addVerbs(program, { env: {}, setExitCode: () => undefined }, [verb]);
      for (const { path, option } of optionsBelow(program.commands.find((each) => each.name() === verb)!)) {
        looked += 1;
        const isPromise = option.description.endsWith('(always so)');
        const isRead = new RegExp(`\\b${option.attributeName()}\\b`).test(source);
        if (!isPromise && !isRead) unread.push(`${path} ${option.flags}`);
      }
    }

    expect(unread).toEqual([]);
    expect(looked).toBeGreaterThan(200);
  });
});

function optionsBelow(
  command: Command,
  before = '',
): readonly { path: string; option: Command['options'][number] }[] {
  const path = `${before} ${command.name()}`.trim();
  return [
    ...command.options.map((option) => ({ path, option })),
    ...command.commands.flatMap((below) => optionsBelow(below, path)),
  ];
}
