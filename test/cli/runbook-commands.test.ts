import { globSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';
import { describe, expect, test } from 'vitest';

import { verbDescriptions } from '../../cli/verb-descriptions.ts';
import { addVerbs } from '../../cli/verbs.ts';
import {
  linesOf,
  otherPrograms,
  runbookLines,
  wordsOf,
  type RunbookJourney,
} from '../support/state-runbook.ts';
import { captured, onlyDocument } from './captured-cli.ts';

const nowhere = join(tmpdir(), 'hal9-no-cloud-here');

/** Lines that the other runbooks have besides those of the state runbook. */
const otherLines = `
state checkpoint -n "pre-canary" -d "Before canary deployment"
state export -o pre-migration-state.json
state checkpoint -n "pre-state-migration" -d "Before state migration"
state restore -c pre-state-migration
state-migration --stop
state list-checkpoints
state restore --checkpoint "pre-state-migration-TIMESTAMP"
state verify --deep
`
  .trim()
  .split('\n');

const ofStateRunbook = (Object.keys(runbookLines) as RunbookJourney[])
  .flatMap(linesOf)
  .map((line) => line.replace('$layer', 'substrate'));
const lines = [...new Set([...ofStateRunbook, ...otherLines])];

async function fault(line: string): Promise<{ readonly name: string; readonly code: number }> {
  const { code, out } = await captured([...wordsOf(line), '--json', '--data', nowhere]);
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

describe('a line of another program in the state runbook', () => {
  test.each(otherPrograms)('$line: of $of', async ({ line, here }) => {
    const [program = ''] = wordsOf(line);

    expect(Object.keys(verbDescriptions)).not.toContain(program);
    expect(program).not.toBe('hal9-migrate');
    expect((await captured(`${here} --help`)).code).toBe(0);
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
    'report --phase canary',
    'report --output report.docx',
    'monitor --phase canary',
    'monitor --duration day',
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
