import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { globalOptionsLast } from '../../cli/command-line.ts';
import { confirm } from '../../cli/confirm.ts';
import type { Connection } from '../../cli/connection.ts';
import { captured, onlyDocument } from './captured-cli.ts';

/** A data directory in which no cloud runs. */
const nowhere = mkdtempSync(join(tmpdir(), 'hal9-cli-'));

describe('a wrong command line ends with 2, says what was wrong and where help is', () => {
  test.each([
    ['migrat', "Unknown command 'migrat'. Did you mean migrate?", 'hal9-migrate --help'],
    ['bogus', "Unknown command 'bogus'.", 'hal9-migrate --help'],
    ['state verfy', "Unknown command 'verfy'. Did you mean verify?", 'hal9-migrate state --help'],
    ['status --jsn', "Unknown option '--jsn'. Did you mean --json?", 'hal9-migrate status --help'],
    ['state checkpoint', "Required option '-n, --name <name>' not specified.", 'hal9-migrate state --help'],
    ['generate', "Required option '-o, --output <file>' not specified.", 'hal9-migrate generate --help'],
    ['feature enable', "Missing required argument 'name'.", 'hal9-migrate feature --help'],
    ['migrate --phase', "Option '-p, --phase <name>' argument missing.", 'hal9-migrate migrate --help'],
    ['status now', 'Too many arguments', 'hal9-migrate status --help'],
    ['feature', 'hal9-migrate feature needs a command.', 'hal9-migrate feature --help'],
    ['', 'hal9-migrate needs a command.', 'hal9-migrate --help'],
  ])('%s', async (line, message, help) => {
    const { code, out, err } = await captured(line);

    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`Error: ${message}`);
    expect(err).toContain(`Remedy: See \`${help}\`.`);
  });
});

describe('a name that is not known is refused before anything is connected to', () => {
  test.each([
    ['migrate --phase canry', 'UnknownPhase', 'canary'],
    ['rollback --to-phase shadw', 'UnknownPhase', 'shadow'],
    ['migrate --profile guid', 'UnknownProfile', 'guide'],
    ['feature status shadow_mod', 'UnknownFlag', 'shadow_mode'],
    ['feature enable hierarchical-nurons', 'UnknownFlag', 'hierarchical_neurons'],
    ['state migrate --category user-sesions', 'UnknownCategory', 'user-sessions'],
    ['state verify --category metdata', 'UnknownCategory', 'metadata'],
    ['verify --tests data-integrty', 'UnknownTest', 'data-integrity'],
  ])('%s', async (line, name, suggestion) => {
    const { code, out, err } = await captured(`${line} --json --data ${nowhere}`);

    expect(code).toBe(2);
    expect(onlyDocument(out)).toMatchObject({ kind: 'Error', error: { name, exitCode: 2 } });
    expect(err).toContain(`Did you mean "${suggestion}"?`);
    expect(err).toMatch(/^Remedy: \S/m);
  });

  test('with everything that is known when nothing is near', async () => {
    const { code, err } = await captured(`migrate --phase sideways --data ${nowhere}`);

    expect(code).toBe(2);
    expect(err).toBe(
      'Error: There is no phase "sideways".\nRemedy: Choose one of shadow, canary, state-migration, ramp-up, full.\n',
    );
  });
});

describe('a percentage that is none', () => {
  const wrong = [
    ['-1', 'it is below 0'],
    ['101', 'it is above 100'],
    ['NaN', 'it is not a number'],
    ['abc', 'it is not a number'],
    ['12.3456', 'it is finer than 0.001'],
    ['1e1', 'it is not written as plain digits'],
  ] as const;
  const commands = ['migrate --phase canary', 'rollback', 'feature enable hierarchical_neurons'];

  test.each(wrong.flatMap(([given, why]) => commands.map((command) => [given, why, command] as const)))(
    '%s (%s) is refused by %s',
    async (given, why, command) => {
      const { code, out, err } = await captured(`${command} --percentage ${given} --data ${nowhere}`);

      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(`Error: The percentage "${given}" cannot be used: ${why}.`);
      expect(err).toContain('Remedy: Give a number from 0 to 100 with at most three decimals');
    },
  );
});

test.each([
  ['status --interval 0', '--interval', '0'],
  ['migrate --timeout soon', '--timeout', 'soon'],
  ['state migrate --timeout -5', '--timeout', '-5'],
  ['local up --port 70000', '--port', '70000'],
  ['local up --time-scale NaN', '--time-scale', 'NaN'],
  ['local up --rate 1.5', '--rate', '1.5'],
  ['generate --records 0 -o x', '--records', '0'],
  ['generate --seed -1 -o x', '--seed', '-1'],
])('%s names the option, the value and what it should be', async (line, option, given) => {
  const { code, err } = await captured(`${line} --data ${nowhere}`);

  expect(code).toBe(2);
  expect(err).toContain(`Error: ${option} cannot be "${given}": it is not a`);
  expect(err).toContain('Remedy: Give a');
});

test.each([
  'metadata learning-data wrong',
  'metadata,learning-data,wrong',
  'metadata --category wrong',
  'metadata, ,wrong',
])('a list may be written with blanks, with commas, by repeating the option, or mixed: %s', async (list) => {
  const { code, out } = await captured(`state migrate --json --category ${list}`);

  expect(code).toBe(2);
  expect(onlyDocument(out)).toMatchObject({ error: { name: 'UnknownCategory', facts: { given: 'wrong' } } });
});

test('options of every verb may stand before it', async () => {
  expect(globalOptionsLast(['--json', '--data', 'd', 'status', '--detailed'])).toEqual([
    'status',
    '--detailed',
    '--data',
    'd',
    '--json',
  ]);
  expect(globalOptionsLast(['--data=d', 'status'])).toEqual(['status', '--data=d']);
  expect(globalOptionsLast(['--data'])).toEqual(['--data']);

  const { out } = await captured(['--json', '--data', nowhere, 'status']);
  expect(onlyDocument(out)).toMatchObject({ error: { name: 'LocalCloudNotRunning' } });
});

const connecting = [
  'pre-check',
  'status',
  'migrate --phase shadow',
  'migrate --dry-run',
  'rollback',
  'traffic --verify',
  'feature list',
  'feature status shadow_mode',
  'feature enable shadow_mode',
  'feature disable shadow_mode',
  'state migrate',
  'state progress',
  'state verify',
  'state status',
  'state checkpoint -n x',
  'state list-checkpoints',
  'verify',
];

test.each(connecting)('without a local cloud %s says so, for people and for scripts', async (line) => {
  const plain = await captured(line, { HAL9_DATA: nowhere });
  const json = await captured(`${line} --json`, { HAL9_DATA: nowhere });

  expect({ code: plain.code, out: plain.out }).toEqual({ code: 11, out: '' });
  expect(plain.err).toBe(
    `Error: No local cloud runs in ${nowhere}.\n` +
      'Remedy: Start one with `hal9-migrate local up --detach`, name its directory with --data, or use --aws.\n',
  );
  expect(json.code).toBe(11);
  expect(onlyDocument(json.out)).toEqual({
    apiVersion: 'hal9-migrate/v1',
    kind: 'Error',
    error: {
      name: 'LocalCloudNotRunning',
      message: `No local cloud runs in ${nowhere}.`,
      remedy: expect.stringContaining('local up --detach') as unknown,
      facts: { dataDir: nowhere },
      exitCode: 11,
    },
  });
});

test('a wrong line is one JSON document too', async () => {
  for (const line of [
    'migrat --json',
    '--json',
    'state --json',
    'status --json --bogus',
    'status x --json',
  ]) {
    const { code, out } = await captured(line);

    expect(code).toBe(2);
    expect(onlyDocument(out)).toMatchObject({
      kind: 'Error',
      error: { name: 'CommandInvalid', exitCode: 2, remedy: expect.stringMatching(/--help/) as unknown },
    });
  }
});

test('nothing is asked where nobody can answer, and nothing at all about the local cloud', async () => {
  const account = { kind: 'aws', region: 'eu-west-1' } as Connection;

  await expect(confirm(account, { yes: false }, 'change the traffic')).rejects.toMatchObject({
    name: 'ConfirmationNeeded',
    exit: 'usage',
    message: 'This would change the traffic (eu-west-1), and there is no terminal to ask at.',
  });
  await confirm(account, { yes: true }, 'change the traffic');
  await confirm({ ...account, kind: 'local' }, { yes: false }, 'change the traffic');
});

test.each(['status --aws', 'pre-check', 'rollback'])(
  '%s names the deploy file that is not there',
  async (line) => {
    const { code, err } = await captured(line, { HAL9_DEPLOY_FILE: join(nowhere, 'none.json') });

    expect(code).toBe(2);
    expect(err).toMatch(/^Error: There is no deploy file at .*none\.json\.\nRemedy: Create it/);
  },
);
