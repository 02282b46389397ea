import { build } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, describe, expect, test } from 'vitest';

import { migrationAlias } from '../../cdk/constructs/migrator-function.ts';
import { checkMigrationFile, migrationFileContext, migrationFileOf } from '../../cdk/migration-file.ts';
import { buildApp, readDeployFile } from '../../cdk/stages.ts';
import { loadMigration } from '../../local/cloud/chosen-migration.ts';

const directory = mkdtempSync(join(tmpdir(), 'hal9-migration-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const deployFile = 'examples/orders/hal9.deploy.json';
const example = resolve('examples/orders/orders.migration.ts');
const deploy = readDeployFile(deployFile);

describe('the migration file of a deployment', () => {
  test('is the one that its deploy file names, counted from there', () => {
    expect(migrationFileOf(deploy, deployFile)).toBe(example);
  });

  test('is hal9-migration.ts beside the deploy file when it names none, and else the built-in one', async () => {
    const { migration: _migration, ...without } = deploy;
    const path = join(directory, 'hal9.deploy.json');

    const builtIn = await loadMigration(without, path);
    expect(migrationFileOf(without, path)).toBeNull();
    expect(builtIn.name).toBe('hal9');

    writeFileSync(
      join(directory, 'hal9-migration.ts'),
      'export const migration = { name: "own", tables: [] };',
    );
    const own = await loadMigration(without, path);
    expect(migrationFileOf(without, path)).toBe(join(directory, 'hal9-migration.ts'));
    expect(own.name).toBe('own');
  });

  test('that is not there, or exports nothing, is named', async () => {
    const empty = join(directory, 'empty.ts');
    writeFileSync(empty, 'export const definition = {};');

    expect(() => migrationFileOf({ ...deploy, migration: 'gone.ts' }, deployFile)).toThrow(
      /orders\/gone\.ts/,
    );
    await expect(loadMigration({ ...deploy, migration: 'gone.ts' }, deployFile)).rejects.toMatchObject({
      name: 'MigrationFileMissing',
    });
    await expect(checkMigrationFile(empty)).rejects.toMatchObject({ name: 'MigrationFileEmpty' });
    await expect(loadMigration({ ...deploy, migration: empty }, deployFile)).rejects.toMatchObject({
      name: 'MigrationFileEmpty',
    });
    await expect(checkMigrationFile(example)).resolves.toBeUndefined();
  });

  test('reaches the functions: the constructs are told of it, and its code takes the place of the built-in one', async () => {
    const app = buildApp({ outdir: join(directory, 'out'), deployFilePath: deployFile, bundle: false });
    const chosen: unknown = app.node.tryGetContext(migrationFileContext);

    const { outputFiles } = await build({
      entryPoints: ['functions/apply-changes/main.ts'],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      external: ['@aws-sdk/*'],
      alias: { 'hal9-migration': String(chosen) },
    });

    expect(migrationAlias(app)).toEqual({ 'hal9-migration': example });
    expect(chosen).toBe(example);
    expect(outputFiles[0]?.text).toContain('order_lines');
    expect(outputFiles[0]?.text).not.toContain('flat_neurons');
  });
});
