import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { expect } from 'vitest';

import { freshAssembly } from '../../local/cloud/assembly.ts';
import { stopCloud } from '../../local/cloud/lifecycle.ts';
import { captured, onlyDocument, type Outcome } from '../cli/captured-cli.ts';
import { wordsOf } from './state-runbook.ts';

/** Longest time that something may take that a loaded machine delays. */
const patienceMs = 280_000;

/** A local cloud of one test file, and the commands that talk to it. */
export function cliCloud(name: string) {
  const root = mkdtempSync(join(tmpdir(), `hal9-${name}-`));
  const data = join(root, 'data');
  const environment = { ...process.env };

  /** Every line, in the order in which they were run. */
  const ran: string[] = [];

  async function cli(line: string): Promise<Outcome> {
    ran.push(line);
    return await captured([...wordsOf(line), '--data', data], process.env);
  }

  /** Runs a command; its exit code has to be the expected one. */
  async function command(line: string, exitCode = 0): Promise<Outcome> {
    const outcome = await cli(line);
    const said = outcome.code === exitCode ? '' : outcome.err + outcome.out;
    expect({ line, code: outcome.code, said }).toEqual({ line, code: exitCode, said: '' });
    return outcome;
  }

  const json = async (line: string): Promise<Record<string, unknown>> =>
    onlyDocument((await cli(`${line} --json`)).out);

  /** Repeats a command until it ends well: what is on its way under live writes may take some time. */
  async function eventually(line: string): Promise<Outcome> {
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      const outcome = await cli(line);
      if (outcome.code === 0) return outcome;
      if (performance.now() > deadlineMs) return await command(line);
    }
  }

  /** What somebody does who knows the tables and nothing of the migration. */
  function execute(sql: string, ...values: readonly (string | bigint)[]): void {
    const database = new DatabaseSync(join(data, 'flat.sqlite'), { enableForeignKeyConstraints: false });
    database.exec('PRAGMA busy_timeout = 5000');
    if (values.length === 0) database.exec(sql);
    else database.prepare(sql).run(...values);
    database.close();
  }

  /** Changes one byte in the middle of a part of a backup. */
  function damagePart(category: string, checkpointId = ''): void {
    const files = readdirSync(join(data, 'objects', 'buckets'), { recursive: true, withFileTypes: true });
    const part = files.find(
      (found) =>
        found.name.endsWith('.data') &&
        found.parentPath.includes(checkpointId) &&
        found.parentPath.endsWith(category),
    );
    const path = join(part?.parentPath ?? '', part?.name ?? '');
    const bytes = readFileSync(path);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 0x55;
    writeFileSync(path, bytes);
  }

  /** Starts it, then runs what every test of the file needs. */
  async function start(...lines: readonly string[]): Promise<void> {
    await freshAssembly(() => undefined);
    for (const line of lines) await command(line);
  }

  async function stop(): Promise<void> {
    await stopCloud(data);
    process.env = environment;
    rmSync(root, { recursive: true, force: true });
  }

  const file = (named: string): string => join(root, named);
  return { root, ran, cli, command, json, eventually, execute, damagePart, file, start, stop };
}
