import { expect, test } from 'vitest';

import { verbDescriptions } from '../../cli/verb-descriptions.ts';
import { captured } from './captured-cli.ts';

const groups = {
  local: ['up', 'down', 'status'],
  feature: ['list', 'status', 'enable', 'disable'],
  state: [
    'plan',
    'migrate',
    'progress',
    'verify',
    'diff',
    'fix',
    'status',
    'stats',
    'checkpoint',
    'backup',
    'list-checkpoints',
    'verify-checkpoint',
    'export-manifest',
    'export',
    'restore',
    'rollback',
    'recover',
    'quarantine',
    'validate',
    'audit',
    'sweep-bodies',
  ],
  neurons: ['snapshot', 'group', 'verify', 'validate-connections', 'test-signals'],
  learning: ['export', 'transform', 'import', 'test', 'verify-gradients'],
  config: ['publish', 'export', 'compare', 'test-reload'],
  configure: ['state-migration', 'reconciliation'],
  phase: ['complete'],
  mode: ['migration', 'flat-only', 'status', 'job'],
  'state quarantine': ['list', 'show', 'replay'],
} as const;

const verbs = Object.keys(verbDescriptions).flatMap(belowOf);

function belowOf(name: string): readonly string[] {
  if (!(name in groups)) return [name];
  return groups[name as keyof typeof groups].flatMap((below) => belowOf(`${name} ${below}`));
}

/** Names under "Commands:" of a help text. */
function commandsIn(help: string): readonly string[] {
  const list = help.split('Commands:\n')[1]?.split('\n\n')[0] ?? '';
  return [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
}

test('the program lists every verb, every exit code, and ends well', async () => {
  const { code, out, err } = await captured('--help');

  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(commandsIn(out)).toEqual(Object.keys(verbDescriptions));
  expect(out).toMatch(/^Exit codes\n {4}0 {2}done$/m);
  expect(out).toMatch(/^ {3}10 {2}the source store/m);
});

test.each(Object.entries(groups))('%s lists what is below it', async (name, below) => {
  const { code, out } = await captured(`${name} --help`);

  expect(code).toBe(0);
  expect(commandsIn(out)).toEqual(below);
});

test.each(verbs)('%s --help begins with examples of itself, within 80 columns', async (verb) => {
  const { code, out, err } = await captured(`${verb} --help`);

  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out.split('\n')[0]).toBe('Examples:');
  expect(out.split('\n')[1]).toMatch(new RegExp(`^ {2}hal9-migrate ${verb}( |$)`));
  expect(out).toContain(`\nUsage: hal9-migrate ${verb} [options]`);
  expect(out).toContain('--json');
  expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('help is also a command, with a page on the exit codes', async () => {
  const page = await captured('help exit-codes');
  const verb = await captured('help migrate');

  expect(page).toMatchObject({ code: 0, err: '' });
  expect(page.out.split('\n')).toHaveLength(15);
  expect(page.out).toContain('  130  interrupted by Ctrl-C');
  expect(verb.code).toBe(0);
  expect(verb.out).toContain('Usage: hal9-migrate migrate');
});

test('the version is one line', async () => {
  expect(await captured('--version')).toEqual({ code: 0, out: '0.1.0\n', err: '' });
});
